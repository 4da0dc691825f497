/*
 * A terminal as an editor for the whole screen has it: keys as they are typed, with a limit to how long it waits for
 * one; the size of the window; and lines again afterwards.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;

static int keys_read(void) {
    char text[16];
    for (int idle = 0;;) {
        ssize_t len = read(STDIN_FILENO, text, sizeof(text));
        if (len < 0) return 1;
        if (len == 0 && ++idle == 2) dprintf(STDOUT_FILENO, "nothing typed\r\n");
        for (ssize_t i = 0; i < len; i++) dprintf(STDOUT_FILENO, "key %d\r\n", text[i]);
        if (len > 0 && text[len - 1] == 'q') return 0;
    }
}

int main(void) {
    struct winsize size;
    char line[80];
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) return 2;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 3;
    struct termios raw = before;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 1;
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0) return 4;
    dprintf(STDOUT_FILENO, "\033[2J%d by %d\r\n", size.ws_col, size.ws_row);
    if (keys_read() != 0 || tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) != 0) return 5;
    puts("and a line:");
    if (!fgets(line, sizeof(line), stdin)) return 6;
    printf("<%.*s>\n", (int)strcspn(line, "\n"), line);
    return 0;
}
