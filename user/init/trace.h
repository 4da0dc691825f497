/* A recording of what the kernel does while the programs run (make trace), given to the host at the end. */
#pragma once

/* If init.trace is on the command line: begins it, unless the kernel has; ends it, and reports it. */
void trace_begin(void);
void trace_end(void);
