/*
 * The other end of first.c.
 */
char host_data_last[64] = {1};
char host_bss_last[64];
