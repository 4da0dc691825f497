/*
 * Linked before and after all that belongs to the machine (last.c): where its variables begin and end.
 */
char host_data_first[64] = {1};
char host_bss_first[64];
