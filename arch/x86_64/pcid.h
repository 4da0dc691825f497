/*
 * Process-context identifiers: numbers of 12 bits by which a processor tells the translations of one address space from
 * those of another, so that it can remember both.
 */
#pragma once

/* Of the kernel's half alone, and of all who got none of their own: what is remembered under it goes at each load. */
#define PCID_SHARED 0u

/* One that nobody has, or PCID_SHARED if there is none left. Processors may still remember what its last owner had. */
unsigned pcid_take(void);

/* Its owner is loaded nowhere, and will not be again. */
void pcid_give_back(unsigned pcid);
