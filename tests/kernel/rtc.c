/*
 * What the PC's real-time clock shows, in every form that it may have.
 */
#include "arch/x86_64/rtc.h"

#include "kernel/base/compiler.h"
#include "tests/kernel/harness.h"

#define BINARY_24 (RTC_BINARY | RTC_24_HOURS)

static const struct {
    struct rtc_registers registers;
    int64_t seconds;
} times[] = {
    {{0, 0, 0, 1, 1, 70, BINARY_24}, 0},
    {{56, 34, 12, 24, 12, 18, BINARY_24}, 1545654896},
    {{0x56, 0x34, 0x12, 0x24, 0x12, 0x18, RTC_24_HOURS}, 1545654896},
    {{0x56, 0x34, 0x92, 0x24, 0x12, 0x18, 0}, 1545654896},         /* 12 p.m. */
    {{0x56, 0x34, 0x12, 0x24, 0x12, 0x18, 0}, 1545654896 - 43200}, /* 12 a.m. */
    {{56, 34, 0x8b, 24, 12, 18, RTC_BINARY}, 1545654896 + 39600},  /* 11 p.m. */
    {{0, 0, 0, 29, 2, 20, BINARY_24}, 1582934400},
    {{0, 0, 0, 1, 3, 20, BINARY_24}, 1583020800},
    {{0, 0, 0, 1, 3, 0, BINARY_24}, 951868800},
    {{59, 59, 23, 31, 12, 69, BINARY_24}, 3155759999},
    {{59, 59, 23, 31, 12, 99, BINARY_24}, 946684799},
};

KTEST("rtc/binary or decimal, 12 hours or 24, leap years and centuries") {
    for (size_t i = 0; i < countof(times); i++) EXPECT(rtc_seconds(times[i].registers) == times[i].seconds);
}

static const struct rtc_registers nonsense[] = {
    {60, 0, 0, 1, 1, 18, BINARY_24},         {0, 60, 0, 1, 1, 18, BINARY_24},
    {0, 0, 24, 1, 1, 18, BINARY_24},         {0, 0, 0, 0, 1, 18, BINARY_24},
    {0, 0, 0, 32, 1, 18, BINARY_24},         {0, 0, 0, 1, 0, 18, BINARY_24},
    {0, 0, 0, 1, 13, 18, BINARY_24},         {0, 0, 0, 1, 1, 100, BINARY_24},
    {0, 0, 0, 1, 1, 0x18, RTC_BINARY},                                                   /* hour 0 of twelve */
    {0, 0, 13, 1, 1, 18, RTC_BINARY},        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* there is none */
    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0},
};

KTEST("rtc/what is no time is 0") {
    for (size_t i = 0; i < countof(nonsense); i++) EXPECT(rtc_seconds(nonsense[i]) == 0);
}
