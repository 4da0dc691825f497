/*
 * A game: get rich by editing another process's memory.
 *
 * A keeper, which is another process, has some gold in a chest, and will let you go when you have a million pieces.
 * Digging gives a few pieces at a time. It is quicker to find the number in the keeper's memory and to write a better
 * one: scan for the gold you have, dig, scan for the new number, and so on until few places are left. Only one of them
 * is the chest. The others are a note of the keeper's and what its last answer left on its stack: both are written anew
 * each time, from the chest.
 *
 * What to look at: first_scan(), which goes through another process's address space as ZX_INFO_PROCESS_MAPS tells it;
 * next_scan(), which looks again at the places found; and poke(). The keeper has no code for any of this.
 *
 * The commands are asked for by `help`. In the monitor the same can be done by hand, with `start treasure keeper`,
 * whose gold grows by one a second, and the monitor's own search and write.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zircon/process.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/launch.h"

#define WANTED 1000000u
#define MAX_DIG 20u
#define MAX_PLACES 65536
#define SHOWN_PLACES 8
#define CHUNK 65536
#define MAX_MAPS 64

/* The keeper. It answers a word with its gold, after digging if the word says so. */

enum request { REQUEST_LOOK, REQUEST_DIG };

struct chest {
    uint32_t junk[37];
    uint32_t gold;
};

/* Each time in another place of the heap, with other things around it. */
static struct chest *chest_make(void) {
    uint16_t random[2];
    zx_cprng_draw(random, sizeof(random));
    char *heap = calloc(1, 65536 + sizeof(struct chest));
    if (!heap) exit(EXIT_FAILURE);
    struct chest *chest = (struct chest *)(void *)(heap + (random[0] & 0xfff8));
    for (size_t i = 0; i < sizeof(chest->junk) / sizeof(*chest->junk); i++) chest->junk[i] = (uint32_t)(50 + i * 7);
    chest->gold = 50 + random[1] % 200;
    return chest;
}

static int keeper(void) {
    static volatile uint32_t note;
    volatile struct chest *chest = chest_make();
    zx_handle_t channel = zx_take_startup_handle(PA_HND(PA_USER0, 0));
    uint32_t request;
    for (;;) {
        note = chest->gold;
        if (channel == ZX_HANDLE_INVALID) {
            zx_nanosleep(zx_deadline_after(ZX_SEC(1)));
            chest->gold++;
            continue;
        }
        zx_object_wait_one(channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
        if (zx_channel_read(channel, 0, &request, NULL, sizeof(request), 0, NULL, NULL) != ZX_OK) return EXIT_SUCCESS;
        uint8_t random;
        zx_cprng_draw(&random, sizeof(random));
        if (request == REQUEST_DIG) chest->gold += 1 + random % MAX_DIG;
        uint32_t gold = note = chest->gold;
        zx_channel_write(channel, 0, &gold, sizeof(gold), NULL, 0);
    }
}

/* The player's side. */

struct game {
    zx_handle_t process;
    zx_handle_t channel;
    zx_vaddr_t places[MAX_PLACES]; /* where the number has been at every scan so far … */
    size_t count;                  /* … of which there are none before the first */
    unsigned digs, scans, pokes;
};

static void need(zx_status_t status, const char *what) {
    if (status == ZX_OK) return;
    printf("%s: %s.\n", what, zx_status_get_string(status));
    exit(EXIT_FAILURE);
}

static uint32_t ask(const struct game *game, uint32_t request) {
    uint32_t gold = 0;
    zx_status_t status = zx_channel_write(game->channel, 0, &request, sizeof(request), NULL, 0);
    if (status == ZX_OK) {
        zx_object_wait_one(game->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, ZX_TIME_INFINITE, NULL);
        status = zx_channel_read(game->channel, 0, &gold, NULL, sizeof(gold), 0, NULL, NULL);
    }
    need(status, "The keeper is dead. You should not have written there");
    return gold;
}

static bool value_at(const struct game *game, zx_vaddr_t at, uint32_t *value) {
    size_t actual;
    zx_status_t status = zx_process_read_memory(game->process, at, value, sizeof(*value), &actual);
    return status == ZX_OK && actual == sizeof(*value);
}

/* Notes every multiple of 4 in one mapping where the value stands. Variables stand at such addresses. */
static void scan_mapping(struct game *game, const zx_info_maps_t *map, uint32_t value) {
    static uint32_t words[CHUNK / sizeof(uint32_t)];
    for (size_t at = 0; at < map->size; at += CHUNK) {
        size_t actual, len = map->size - at < CHUNK ? map->size - at : CHUNK;
        if (zx_process_read_memory(game->process, map->base + at, words, len, &actual) != ZX_OK) return;
        for (size_t i = 0; i < actual / sizeof(*words) && game->count < MAX_PLACES; i++) {
            if (words[i] == value) game->places[game->count++] = map->base + at + i * sizeof(*words);
        }
    }
}

/* Goes through all memory that the keeper can write to, and has written to. */
static void first_scan(struct game *game, uint32_t value) {
    static zx_info_maps_t maps[MAX_MAPS];
    size_t count;
    need(zx_object_get_info(game->process, ZX_INFO_PROCESS_MAPS, maps, sizeof(maps), &count, NULL),
         "The keeper's address space cannot be listed");
    for (size_t i = 0; i < count; i++) {
        if (maps[i].type != ZX_INFO_MAPS_TYPE_MAPPING || maps[i].u.mapping.committed_pages == 0) continue;
        if (maps[i].u.mapping.mmu_flags & ZX_VM_PERM_WRITE) scan_mapping(game, &maps[i], value);
    }
}

static void next_scan(struct game *game, uint32_t value) {
    size_t kept = 0;
    for (size_t i = 0; i < game->count; i++) {
        uint32_t now;
        if (value_at(game, game->places[i], &now) && now == value) game->places[kept++] = game->places[i];
    }
    game->count = kept;
}

static void scan(struct game *game, uint32_t value) {
    game->scans++;
    if (game->count > 0)
        next_scan(game, value);
    else
        first_scan(game, value);
    printf("%zu place%s", game->count, game->count == 1 ? "" : "s");
    for (size_t i = 0; i < game->count && i < SHOWN_PLACES; i++) printf(" %#" PRIxPTR, game->places[i]);
    printf("%s\n", game->count > SHOWN_PLACES ? " ..." : "");
    if (game->count == 0) printf("The next scan looks everywhere again.\n");
}

static void poke(struct game *game, zx_vaddr_t at, uint32_t value) {
    size_t actual;
    game->pokes++;
    zx_status_t status = zx_process_write_memory(game->process, at, &value, sizeof(value), &actual);
    printf("%s\n", status == ZX_OK ? "Written." : zx_status_get_string(status));
}

static void help(void) {
    printf("  gold           asks the keeper how much there is\n"
           "  dig            finds a few pieces more\n"
           "  scan N         looks for the number N in the keeper's memory; again: only where it was found before\n"
           "  poke ADDR N    writes the number N there\n"
           "  quit           leaves empty-handed\n");
}

/* Does one command; true if the keeper was asked, and may have something to say. */
static bool play(struct game *game, const char *line) {
    uint32_t value;
    zx_vaddr_t at;
    char rest;
    if (strcmp(line, "dig") == 0) {
        game->digs++;
        ask(game, REQUEST_DIG);
        return true;
    }
    if (strcmp(line, "gold") == 0) return true;
    if (sscanf(line, "scan %" SCNu32 " %c", &value, &rest) == 1) {
        scan(game, value);
    } else if (sscanf(line, "poke %" SCNxPTR " %" SCNu32 " %c", &at, &value, &rest) == 2) {
        poke(game, at, value);
        return true;
    } else if (*line) {
        help();
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc > 1) return keeper();
    static struct game game;
    char line[80];
    const char *const args[] = {argv[0], "keeper", NULL};
    need(launch_partner(args, NULL, &game.process, &game.channel), "The keeper cannot be started");
    printf("The keeper has a chest with %u pieces of gold. Bring it to %u and you are free.\n",
           ask(&game, REQUEST_LOOK), WANTED);
    help();
    for (;;) {
        printf("treasure> ");
        fflush(stdout);
        if (!fgets(line, sizeof(line), stdin)) break;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "quit") == 0) break;
        if (!play(&game, line)) continue;
        uint32_t gold = ask(&game, REQUEST_LOOK);
        printf("There are %u pieces.\n", gold);
        if (gold < WANTED) continue;
        printf("The keeper bows and opens the door: %u digs, %u scans, %u pokes.\n", game.digs, game.scans, game.pokes);
        zx_task_kill(game.process);
        return EXIT_SUCCESS;
    }
    printf("You leave as poor as you came.\n");
    zx_task_kill(game.process);
    return EXIT_SUCCESS;
}
