/* Conditions of breakpoints as a debugger sends them: each instruction, and what is no sound code. */
#include <stdio.h>
#include <string.h>

#include "tests/host/gdb_packets.h"
#include "user/gdbserver/agent.h"

/* Registers hold their numbers, and there are 100; memory is its addresses' low bytes, from 0x1000 to 0x2000. */
static bool read_register(void *context, uint64_t number, uint64_t *value) {
    (void)context;
    *value = number;
    return number < 100;
}

static bool read_memory(void *context, uint64_t addr, void *out, size_t len) {
    (void)context;
    for (size_t i = 0; i < len; i++) ((uint8_t *)out)[i] = (uint8_t)(addr + i);
    return addr >= 0x1000 && addr + len <= 0x2000;
}

static bool run(const char *digits, uint64_t *value) {
    static const struct agent_thread thread = {read_register, read_memory, NULL};
    uint8_t code[256];
    size_t len;
    struct request request = {digits, digits + strlen(digits)};
    return take_hex_bytes(&request, code, sizeof(code), &len) && agent_evaluate(code, len, &thread, value);
}

static bool gives(const char *digits, uint64_t wanted) {
    uint64_t value;
    return run(digits, &value) && value == wanted;
}

static bool fails(const char *digits) {
    uint64_t value;
    return !run(digits, &value);
}

static void test_arithmetic(void) {
    ok(gives("220522030227", 8) && gives("220522030327", 2) && gives("220522030427", 15),
       "sums, differences and products");
    ok(gives("220722020627", 3) && gives("220722020827", 1), "quotients and remainders");
    ok(gives("220022070322020527", (uint64_t)-3) && gives("220022070322020727", (uint64_t)-1),
       "and those of numbers below zero");
    ok(gives("25800000000000000022002201030527", UINT64_C(1) << 63) && gives("25800000000000000022002201030727", 0),
       "the lowest number by minus one wraps");
    ok(fails("220722000527") && fails("220722000627") && fails("220722000727") && fails("220722000827"),
       "a division by zero is an error");
    ok(gives("220122040927", 16) && gives("220122400927", 0) && gives("22f022040b27", 15), "shifts");
    ok(gives("220022100322020a27", (uint64_t)-4) && gives("2200221003227f0a27", UINT64_MAX) &&
           gives("2207227f0a27", 0) && gives("220722000a27", 7),
       "and those of the sign");
    ok(gives("220c220a0f27", 8) && gives("220c220a1027", 14) && gives("220c220a1127", 6) &&
           gives("22001227", UINT64_MAX),
       "and, or, exclusive or, not");
    ok(gives("22000e27", 1) && gives("22070e27", 0), "the logical not");
    ok(gives("220722071327", 1) && gives("220722081327", 0) && gives("220722081427", 1) &&
           gives("220022010322071427", 1) && gives("220022010322071527", 0),
       "comparisons, with a sign and without");
    ok(gives("22ff160827", UINT64_MAX) && gives("227f160827", 127) && gives("23ffff2a0827", 255) &&
           gives("22ff164027", 255) && gives("22ff160027", 255),
       "extensions of a sign, and of zeros");
}

static void test_data(void) {
    ok(gives("221227", 0x12) && gives("23123427", 0x1234) && gives("241234567827", 0x12345678) &&
           gives("25123456789abcdef027", 0x123456789abcdef0),
       "constants have their highest byte first");
    ok(gives("26000727", 7) && fails("26006427"), "registers; one that is not there is an error");
    ok(gives("2310001727", 0) && gives("2310011827", 0x0201) && gives("2310011927", 0x04030201) &&
           gives("2310011a27", 0x0807060504030201),
       "memory of four sizes");
    ok(fails("2320001727") && fails("231ffd1927") && gives("231ffc1927", 0xfffefdfc),
       "memory that is not there is an error, to its last byte");
}

static void test_stack(void) {
    ok(gives("2205280227", 10) && gives("220522062927", 5) && gives("220522062b0327", 1), "dup, pop, swap");
    ok(gives("220522062207320227", 5) && gives("220522062207320027", 7) && fails("2205320127"), "pick");
    ok(gives("2201220222033327", 2) && gives("22012202220333292927", 3), "rot puts the top below two");
    ok(fails("0227") && fails("22010227") && fails("27") && fails("220122013327") && fails("2927"),
       "an instruction that lacks its numbers is an error");
    char deep[4 * AGENT_STACK + 8];
    size_t at = 0;
    while (at < 4 * (size_t)AGENT_STACK) at += (size_t)snprintf(deep + at, sizeof(deep) - at, "2201");
    (void)snprintf(deep + at, sizeof(deep) - at, "27");
    ok(gives(deep, 1), "the stack has its depth");
    (void)snprintf(deep + at, sizeof(deep) - at, "220127");
    ok(fails(deep), "and no more");
}

static void test_control(void) {
    ok(gives("2201200008220727220927", 9), "a jump if not zero");
    ok(gives("2200200008220727220927", 7), "or none");
    ok(gives("210006220727220927", 9), "a jump");
    ok(fails("21ffff") && fails("210003"), "out of the code is an error");
    ok(fails("210000"), "and so is one without an end");
    ok(fails("") && fails("22") && fails("2312") && fails("2201"), "and code that breaks off");
    ok(fails("22010c27") && fails("22010027") && fails("2201ff27") && fails("22013427"),
       "and an instruction that is none, or of tracing");
}

static void test_taking(void) {
    static const char text[] = "X3,220127X1,27", *const ends = text + sizeof(text) - 1;
    struct request request = {text, ends};
    uint8_t code[4];
    size_t len;
    ok(take_agent_code(&request, code, sizeof(code), &len) && len == 3 && code[2] == 0x27, "code is taken");
    ok(take_agent_code(&request, code, sizeof(code), &len) && len == 1 && request.at == ends, "and the next");
    static const char *const wrong[] = {"X3,2201", "X3,22012",     "X,00", "Y1,00", "X1", "Xffffffffffffffff,00",
                                        "X1,zz",   "X5,0102030405"};
    bool all = true;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        request = (struct request){wrong[i], wrong[i] + strlen(wrong[i])};
        all &= !take_agent_code(&request, code, sizeof(code), &len);
    }
    ok(all, "what is shorter than it says, longer than the room, or no digits, is refused");
}

void test_agent(void) {
    test_arithmetic();
    test_data();
    test_stack();
    test_control();
    test_taking();
}
