/*
 * GNU make can end only with 0, 1 or 2. Loaded into it (the `load` directive), this adds a function that ends make
 * with the status written in a file:
 *
 *     $(exit-with FILE)
 *
 * so that `make run APP=…` can hand on the exit status of the program it ran.
 */
#include <gnumake.h>
#include <stdio.h>
#include <stdlib.h>

int plugin_is_GPL_compatible;

static char *exit_with(const char *name, unsigned int argc, char **argv) {
    (void)name;
    (void)argc;
    int status = 2;
    FILE *file = fopen(argv[0], "r");
    if (file == NULL || fscanf(file, "%d", &status) != 1) status = 2;
    if (file != NULL) fclose(file);
    exit(status);
}

int make_exit_gmk_setup(void);
int make_exit_gmk_setup(void) {
    gmk_add_function("exit-with", exit_with, 1, 1, GMK_FUNC_DEFAULT);
    return 1;
}
