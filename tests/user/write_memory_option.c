/*
 * zx_process_write_memory and the kernel's option kernel.enable-debugging-syscalls. Which way it is set in this
 * machine is in the environment, where the kernel's command line is.
 */
#include "tests/user/memory.h"

static bool switched_off(void) {
    const char *value = getenv("kernel.enable-debugging-syscalls");
    return value && strcmp(value, "false") == 0;
}

TEST("write_memory/NOT_SUPPORTED H13 choices: when switched off, whatever else is wrong; reading goes on") {
    struct target t = target_make();
    struct memory m = memory_make(PAGE, 3);
    unsigned char bytes[16] = "sixteen  letters", back[16];
    bool off = switched_off();
    target_map(&t, PLACE, m.vmo, 0, PAGE, PERM_RW);
    EXPECT_MOVED(read_from(t.process, PLACE, back, sizeof(back)), sizeof(back));
    EXPECT_BYTES(back, m.view, sizeof(back));
    struct moved good = write_to(t.process, PLACE, bytes, sizeof(bytes));
    EXPECT_STATUS(good.status, off ? ZX_ERR_NOT_SUPPORTED : ZX_OK);
    EXPECT_MEMORY(&m, 0, bytes, off ? 0 : sizeof(bytes));
    EXPECT_REFUSED(write_to(t.process, PLACE, NULL, 16), off ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_INVALID_ARGS);
    EXPECT_REFUSED(write_to(ZX_HANDLE_INVALID, PLACE, bytes, 0), off ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_INVALID_ARGS);
    EXPECT_REFUSED(write_to(ZX_HANDLE_INVALID, PLACE, bytes, 16), off ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_BAD_HANDLE);
    EXPECT_REFUSED(write_to(m.vmo, PLACE, bytes, 16), off ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_WRONG_TYPE);
    EXPECT_REFUSED(write_to(t.process, 0, bytes, 16), off ? ZX_ERR_NOT_SUPPORTED : ZX_ERR_NO_MEMORY);
}
