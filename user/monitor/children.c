/*
 * A child is in the table from its start until its end has been told. Its channel is asked for what the program
 * wants as long as the program lives, and once more after its end, for what it wrote last.
 *
 * Whatever a program sends that is no request as user/libc makes them closes its channel; it then writes to the console
 * itself, and its input is at its end.
 */
#include "user/monitor/children.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zircon/processargs.h>
#include <zircon/status.h>
#include <zircon/syscalls.h>

#include "user/lib/crash_watch.h"
#include "user/lib/keyboard.h"
#include "user/lib/launch.h"
#include "user/libc/terminal.h"
#include "user/monitor/say.h"
#include "user/monitor/screen.h"

/* Each takes two of the items that one call waits for, and there are the keyboard, crashes and one process more. */
#define MAX_CHILDREN ((ZX_WAIT_MANY_MAX_ITEMS - 3) / 2)
#define LABEL_SIZE (ZX_MAX_NAME_LEN + 24)

struct child {
    zx_handle_t process; /* ZX_HANDLE_INVALID: a free entry */
    zx_handle_t channel; /* ZX_HANDLE_INVALID: closed */
    zx_koid_t koid;
    char label[LABEL_SIZE]; /* its name and koid */
    struct screen_line line;
    bool reading; /* waits for input, with this request … */
    zx_txid_t request;
    bool keys; /* … by keys, and not by lines */
};

static struct child children[MAX_CHILDREN];
static zx_handle_t crashes; /* where they are told; ZX_HANDLE_INVALID: somebody else tells them */
static struct child *foreground;

const char *process_end_words(int64_t code) {
    static char words[64];
    if (code == ZX_TASK_RETCODE_SYSCALL_KILL) return "was killed";
    if (code == ZX_TASK_RETCODE_EXCEPTION_KILL) return "crashed";
    snprintf(words, sizeof(words), "ended with return code %lld", (long long)code);
    return words;
}

static void channel_close(struct child *child) {
    zx_handle_close(child->channel);
    child->channel = ZX_HANDLE_INVALID;
    child->reading = false;
}

/* Terminals. */

static void answer(struct child *child, zx_txid_t request, const char *text, size_t len) {
    struct terminal_message reply = {.txid = request};
    memcpy(reply.text, text, len);
    uint32_t size = TERMINAL_HEADER_LEN + (uint32_t)len;
    if (zx_channel_write(child->channel, 0, &reply, size, NULL, 0) != ZX_OK) channel_close(child);
}

static void serve_request(struct child *child, const struct terminal_message *request, size_t text_len) {
    if (request->act == TERMINAL_WRITE) {
        if (child == foreground)
            screen_foreground(request->text, text_len);
        else
            screen_background(&child->line, child->label, request->text, text_len);
        answer(child, request->txid, "", 0);
    } else if (child == foreground && !child->reading) {
        child->reading = true;
        child->request = request->txid;
        child->keys = request->act == TERMINAL_KEYS;
    } else {
        answer(child, request->txid, "", 0);
    }
}

/* Does the next thing that the child has asked for; false if there is none. */
static bool serve_channel(struct child *child) {
    struct terminal_message request;
    uint32_t len = 0;
    if (child->channel == ZX_HANDLE_INVALID) return false;
    zx_status_t status = zx_channel_read(child->channel, 0, &request, NULL, sizeof(request), 0, &len, NULL);
    if (status == ZX_ERR_SHOULD_WAIT) return false;
    if (status != ZX_OK || len < TERMINAL_HEADER_LEN)
        channel_close(child);
    else
        serve_request(child, &request, len - TERMINAL_HEADER_LEN);
    return true;
}

/* What is shown of a child that has ended: as much as a queue holds, for another may have its channel. */
#define LAST_REQUESTS 3500
static void serve_last(struct child *child) {
    for (int i = 0; i < LAST_REQUESTS && serve_channel(child); i++) continue;
}

/* A line that a person has typed. Ctrl-D at its beginning is the end of the input, this once. */
static bool read_terminal(char *text, size_t *len) {
    const char *line;
    enum line_event input = screen_input(NULL, &line);
    if (input == LINE_OPEN) return false;
    if (input == LINE_ABANDONED) zx_task_kill(foreground->process);
    *len = input == LINE_DONE ? (size_t)snprintf(text, TERMINAL_MAX_TEXT, "%s\n", line) : 0;
    return true;
}

/* Bytes as they come; unless they are keys, to the end of a line: what follows may be for the monitor. */
static bool read_bytes(char *text, size_t *len, bool keys) {
    *len = 0;
    do {
        while (*len < TERMINAL_MAX_TEXT && keyboard_next(&text[*len])) {
            if (text[(*len)++] == '\n' && !keys) return true;
        }
        if (*len > 0 || keyboard_ended()) return true;
    } while (keyboard_pending());
    return false;
}

/* Gives the foreground the input it waits for, if there is some. */
static void serve_input(void) {
    char text[TERMINAL_MAX_TEXT + 1];
    size_t len;
    if (!foreground || !foreground->reading) return;
    const bool edited = keyboard_is_terminal() && !foreground->keys;
    if (!(edited ? read_terminal(text, &len) : read_bytes(text, &len, foreground->keys))) return;
    foreground->reading = false;
    answer(foreground, foreground->request, text, len);
}

static void child_finish(struct child *child) {
    zx_info_process_t info = {0};
    zx_object_get_info(child->process, ZX_INFO_PROCESS, &info, sizeof(info), NULL, NULL);
    serve_last(child);
    channel_close(child);
    if (child == foreground) {
        screen_input_cancel();
        screen_fresh_line();
        foreground = NULL;
        if (info.return_code != 0) {
            screen_notice("%s %s", child->label, process_end_words(info.return_code));
            say_failed();
        }
    } else {
        screen_background_end(&child->line, child->label);
        screen_notice("%s %s", child->label, process_end_words(info.return_code));
    }
    zx_handle_close(child->process);
    child->process = ZX_HANDLE_INVALID;
}

void children_begin(void) { crash_watch_start(&crashes); }

static void crash_line_show(const char *text) { screen_notice("%s", text); }

/*
 * Waits for any of: a key, a child's request or end, a crash, signals of one object more. Does one thing for each: one
 * who asks without end keeps nobody else waiting, and least of all the keyboard.
 */
static void serve_once(zx_handle_t object, zx_signals_t signals, zx_time_t deadline) {
    zx_wait_item_t items[ZX_WAIT_MANY_MAX_ITEMS] = {{keyboard_event(), ZX_EVENT_SIGNALED, 0}};
    struct child *of[ZX_WAIT_MANY_MAX_ITEMS] = {NULL};
    size_t count = 1;
    serve_input();
    if (object != ZX_HANDLE_INVALID) items[count++] = (zx_wait_item_t){object, signals, 0};
    for (struct child *child = children; child < children + MAX_CHILDREN; child++) {
        if (child->process == ZX_HANDLE_INVALID) continue;
        of[count] = child;
        items[count++] = (zx_wait_item_t){child->process, ZX_PROCESS_TERMINATED, 0};
        if (child->channel == ZX_HANDLE_INVALID) continue;
        of[count] = child;
        items[count++] = (zx_wait_item_t){child->channel, ZX_CHANNEL_READABLE | ZX_CHANNEL_PEER_CLOSED, 0};
    }
    if (crashes != ZX_HANDLE_INVALID) items[count++] = (zx_wait_item_t){crashes, ZX_CHANNEL_READABLE, 0};
    zx_object_wait_many(items, count, deadline);
    if (crashes != ZX_HANDLE_INVALID && items[count - 1].pending & ZX_CHANNEL_READABLE) {
        if (foreground) screen_fresh_line();
        crash_watch_serve(crash_line_show);
    }
    keyboard_poll();
    for (size_t i = 1; i < count; i++) {
        if (!of[i] || !(items[i].pending & items[i].waitfor)) continue;
        if (items[i].handle == of[i]->channel) (void)serve_channel(of[i]);
        if (items[i].handle == of[i]->process) child_finish(of[i]);
    }
}

void children_serve(void) { serve_once(ZX_HANDLE_INVALID, 0, ZX_TIME_INFINITE); }
void children_look(void) { serve_once(ZX_HANDLE_INVALID, 0, 0); }
void children_serve_until(zx_handle_t object, zx_signals_t signals) { serve_once(object, signals, ZX_TIME_INFINITE); }

bool child_wait(zx_handle_t process) {
    while (zx_object_wait_one(process, ZX_PROCESS_TERMINATED, 0, NULL) != ZX_OK) {
        if (keyboard_interrupted()) {
            screen_interrupted();
            screen_fresh_line();
            return false;
        }
        serve_once(process, ZX_PROCESS_TERMINATED, ZX_TIME_INFINITE);
    }
    return true;
}

bool child_is_ours(zx_koid_t koid) {
    for (const struct child *child = children; child < children + MAX_CHILDREN; child++) {
        if (child->process != ZX_HANDLE_INVALID && child->koid == koid) return true;
    }
    return false;
}

/* Starting. */

static void label_set(struct child *child, const char *name) {
    zx_info_handle_basic_t info = {0};
    zx_object_get_info(child->process, ZX_INFO_HANDLE_BASIC, &info, sizeof(info), NULL, NULL);
    child->koid = info.koid;
    snprintf(child->label, sizeof(child->label), "%.*s %llu", (int)ZX_MAX_NAME_LEN, name,
             (unsigned long long)info.koid);
}

static zx_status_t child_launch(struct child *child, const char *const *args, bool confined, const char **why) {
    struct launch_handle handles[1 + LAUNCH_INHERITED];
    size_t count = 0;
    if (zx_channel_create(0, &child->channel, &handles[0].handle) == ZX_OK) handles[count++].id = TERMINAL_HANDLE_ID;
    const struct launch what = {
        .archive = launch_archive(),
        .path = args[0],
        .args = args,
        .environ = (const char *const *)environ,
        .job = confined ? launch_programs_job() : ZX_HANDLE_INVALID,
        .confined = confined,
        .handles = handles,
        .handle_count = count + launch_inherit(confined, handles + count),
    };
    zx_status_t status = launch(&what, &child->process, why);
    if (status == ZX_OK)
        label_set(child, args[0]);
    else
        channel_close(child);
    return status;
}

static struct child *child_make(const struct words *words, bool confined) {
    const char *args[WORDS_MAX + 1];
    words_args(words, 1, args);
    struct child *child = children;
    while (child < children + MAX_CHILDREN && child->process != ZX_HANDLE_INVALID) child++;
    if (child == children + MAX_CHILDREN) {
        screen_notice("%d programs are running already, which is as many as there can be.", (int)MAX_CHILDREN);
        say_failed();
        return NULL;
    }
    *child = (struct child){0};
    const char *why = "";
    zx_status_t status = child_launch(child, args, confined, &why);
    if (status == ZX_OK) return child;
    if (status == ZX_ERR_NOT_FOUND) {
        screen_notice("There is no program %s; `programs` lists them.", args[0]);
    } else {
        screen_notice("%s cannot be started: %s (%s).", args[0], why, zx_status_get_string(status));
    }
    say_failed();
    return NULL;
}

void child_run(const struct words *words, bool confined) {
    struct child *child = child_make(words, confined);
    foreground = child;
    while (foreground) {
        if (keyboard_interrupted()) {
            screen_interrupted();
            zx_task_kill(child->process);
        }
        serve_once(ZX_HANDLE_INVALID, 0, ZX_TIME_INFINITE);
    }
}

void child_start(const struct words *words, bool confined) {
    struct child *child = child_make(words, confined);
    if (child) screen_notice("%s runs in the background.", child->label);
}
