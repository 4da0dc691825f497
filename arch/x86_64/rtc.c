/*
 * The PC's real-time clock, which runs while the machine is off. It is read once, at boot, when nothing else uses
 * its ports; it is taken to show UTC.
 *
 * Once a second it changes all of its registers, and meanwhile they say nothing: they are read until no change was
 * under way before, and the second is the same afterwards.
 */
#include "arch/x86_64/rtc.h"

#include <stdbool.h>

#include "arch/time.h"
#include "arch/x86_64/x86.h"
#include "kernel/base/log.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71

enum { SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A = 10, STATUS_B = 11 };

#define CHANGING 0x80   /* in status A */
#define AFTERNOON 0x80  /* in the hour */
#define TRIES_MAX 20000 /* a change takes 2 ms, a read at least 1 us on a machine that has this clock */

static uint8_t cmos_read(uint8_t index) {
    out8(CMOS_INDEX, index);
    return in8(CMOS_DATA);
}

static uint8_t plain(uint8_t value, uint8_t format) {
    return format & RTC_BINARY ? value : (uint8_t)((value >> 4) * 10 + (value & 15));
}

static uint8_t hour_of_day(uint8_t hour, uint8_t format) {
    uint8_t plain_hour = plain(hour & ~AFTERNOON, format);
    if (format & RTC_24_HOURS) return plain(hour, format);
    if (plain_hour < 1 || plain_hour > 12) return UINT8_MAX;
    return (uint8_t)(plain_hour % 12 + (hour & AFTERNOON ? 12 : 0));
}

/* Days from the beginning of 1970, by years that begin in March, so that the day of the leap year is the last. */
static int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
    if (month < 3) year--;
    int64_t month_from_march = (month + 9) % 12;
    return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day - 1 - 719468;
}

int64_t rtc_seconds(struct rtc_registers r) {
    uint8_t second = plain(r.second, r.format), minute = plain(r.minute, r.format),
            hour = hour_of_day(r.hour, r.format);
    uint8_t day = plain(r.day, r.format), month = plain(r.month, r.format), year = plain(r.year, r.format);
    if (second > 59 || minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 || year > 99)
        return 0;
    int64_t days = days_since_1970(year < 70 ? 2000 + year : 1900 + year, month, day);
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

int64_t arch_wall_seconds(void) {
    for (unsigned i = 0; i < TRIES_MAX; i++) {
        if (cmos_read(STATUS_A) & CHANGING) continue;
        struct rtc_registers r = {cmos_read(SECOND), cmos_read(MINUTE), cmos_read(HOUR),    cmos_read(DAY),
                                  cmos_read(MONTH),  cmos_read(YEAR),   cmos_read(STATUS_B)};
        if (cmos_read(SECOND) == r.second) return rtc_seconds(r);
    }
    log_line("clock: the real-time clock shows no time");
    return 0;
}
