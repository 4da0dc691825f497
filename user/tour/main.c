/*
 * The tour: zx_process_write_memory at work, in plain words. The program plays all its parts itself: launched without
 * arguments it is the guide, who launches it again for each actor.
 */
#include <stdio.h>

#include "user/tour/tour.h"

int main(int argc, char **argv) {
    if (argc == 3) return actor_play(argv[1], argv[2]);
    puts("Jargoon, a short tour: one process writes the memory of another.");
    scene_running_child();
    scene_two_objects();
    scene_hole();
    scene_breakpoint();
    scene_errors();
    return verdict();
}
