/* The PC's real-time clock as it stores the time. */
#pragma once

#include <stdint.h>

/* Its registers; years are those of a century. */
struct rtc_registers {
    uint8_t second, minute, hour, day, month, year;
    uint8_t format; /* status register B: RTC_* */
};

#define RTC_24_HOURS 0x02 /* else 1 to 12, and bit 7 is set in the afternoon */
#define RTC_BINARY 0x04   /* else two decimal digits in each */

/* Seconds since the beginning of 1970, for years from then to 2069; 0 if that is no time. */
int64_t rtc_seconds(struct rtc_registers r);
