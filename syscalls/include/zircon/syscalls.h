/*
 * Every system call. The stubs behind these prototypes belong to the C runtime; each also answers to _zx_NAME.
 *
 * What holds for all of them: a handle that is none is ZX_ERR_BAD_HANDLE, one to an object of another type
 * ZX_ERR_WRONG_TYPE, one that lacks a right named below ZX_ERR_ACCESS_DENIED, checked in this order before anything
 * else unless said otherwise. A pointer that cannot be read or written is ZX_ERR_INVALID_ARGS. Results are written
 * on ZX_OK only; a new handle whose pointer cannot be written is closed again. A call that makes something can fail
 * with ZX_ERR_NO_MEMORY. Sizes are in bytes, deadlines in nanoseconds of zx_clock_get_monotonic(): one that has
 * passed polls, ZX_TIME_INFINITE waits for ever.
 */
#pragma once

#include <zircon/syscalls/object.h>
#include <zircon/syscalls/types.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* handles */

/*
 * Closes a handle, no right needed; ZX_HANDLE_INVALID is ZX_OK. What was waiting by means of this very handle ends
 * with ZX_ERR_CANCELED.
 */
zx_status_t zx_handle_close(zx_handle_t handle);

/*
 * Closes many, as zx_handle_close() does each, and goes on past bad ones: ZX_ERR_BAD_HANDLE if there was any, be it
 * that a value is listed twice. ZX_ERR_INVALID_ARGS where the array cannot be read; those before it are closed.
 */
zx_status_t zx_handle_close_many(const zx_handle_t *handles, size_t num_handles);

/*
 * Makes another handle to the same object; needs DUPLICATE. `rights` is a subset of the source's, or
 * ZX_RIGHT_SAME_RIGHTS; else ZX_ERR_INVALID_ARGS.
 */
zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out);

/* The same without needing a right. The old handle is gone whatever the result, unless it was none to begin with. */
zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out);

/* objects */

/*
 * Tells about an object: a ZX_INFO_* topic of <zircon/syscalls/object.h>, which also says the right and the struct.
 * `actual` gets the number of records written, `avail` the number there are; either may be NULL.
 *
 * ZX_ERR_NOT_SUPPORTED     no such topic, whatever the handle
 * ZX_ERR_BUFFER_TOO_SMALL  the record does not fit; `actual` and `avail` are written
 */
zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void *buffer, size_t buffer_size, size_t *actual,
                               size_t *avail);

/*
 * Gets a ZX_PROP_* property; needs GET_PROPERTY. There is one that can be got, ZX_PROP_NAME: ZX_MAX_NAME_LEN bytes,
 * padded with zeros, and nothing but zeros for an object without a name.
 *
 * ZX_ERR_INVALID_ARGS      no such property, or `value` is NULL
 * ZX_ERR_BUFFER_TOO_SMALL  `value_size` is less than the property's
 */
zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void *value, size_t value_size);

/*
 * Sets a ZX_PROP_* property; needs SET_PROPERTY. A name ends at its first NUL, or after ZX_MAX_NAME_LEN - 1 bytes.
 *
 * ZX_ERR_INVALID_ARGS      no such property, `value` is NULL, or its contents will not do
 * ZX_ERR_BUFFER_TOO_SMALL  `value_size` is less than a register's
 * ZX_ERR_ACCESS_DENIED     a register of a thread other than the calling one
 * ZX_ERR_NOT_SUPPORTED     a name for anything but jobs, processes, threads, VMOs and resources
 */
zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void *value, size_t value_size);

/*
 * Makes a handle to a thread of a process, or a job or process of a job, by its koid; needs ENUMERATE. `rights` is a subset of
 * the parent handle's, else ZX_ERR_ACCESS_DENIED, or ZX_RIGHT_SAME_RIGHTS for all of these. ZX_ERR_NOT_FOUND: no such
 * child, or a thread that was not started or has ended.
 */
zx_status_t zx_object_get_child(zx_handle_t handle, uint64_t koid, zx_rights_t rights, zx_handle_t *out);

/*
 * Clears signals of an object, then sets some; needs SIGNAL. They are among ZX_USER_SIGNAL_ALL, and for events and
 * event pairs ZX_EVENT_SIGNALED; else ZX_ERR_INVALID_ARGS. ZX_ERR_NOT_SUPPORTED: objects of this type have no signals.
 */
zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/*
 * The same for the other end of an event pair or a channel; needs SIGNAL_PEER. ZX_ERR_NOT_SUPPORTED: nothing with two
 * ends. ZX_ERR_PEER_CLOSED: the other end is gone.
 */
zx_status_t zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);

/*
 * Waits until for one of the items at least one of the signals in `waitfor` is asserted; needs WAIT on each handle.
 * Every `pending` gets the signals seen on its object during the wait, on ZX_ERR_TIMED_OUT and ZX_ERR_CANCELED too. No
 * items at all is a sleep.
 *
 * ZX_ERR_OUT_OF_RANGE   more than ZX_WAIT_MANY_MAX_ITEMS
 * ZX_ERR_NOT_SUPPORTED  objects of some item's type have no signals
 * ZX_ERR_TIMED_OUT      none was asserted by the deadline
 * ZX_ERR_CANCELED       a handle was closed meanwhile; ZX_SIGNAL_HANDLE_CLOSED is pending for it
 */
zx_status_t zx_object_wait_many(zx_wait_item_t *items, size_t num_items, zx_time_t deadline);

/*
 * Waits until one of `signals` is asserted on an object; needs WAIT. `observed`, which may be NULL, gets all signals
 * seen during the wait, on ZX_ERR_TIMED_OUT and ZX_ERR_CANCELED too.
 *
 * ZX_ERR_TIMED_OUT      none was by the deadline
 * ZX_ERR_CANCELED       the handle was closed meanwhile
 * ZX_ERR_NOT_SUPPORTED  objects of this type have no signals
 */
zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline, zx_signals_t *observed);

/* processes and threads */

/*
 * Makes a job in a job; needs MANAGE_JOB on that one. Options are 0. There are 32 generations below the root job.
 *
 * ZX_ERR_OUT_OF_RANGE  the parent is the 32nd generation
 * ZX_ERR_BAD_STATE     the parent was killed
 */
zx_status_t zx_job_create(zx_handle_t parent_job, uint32_t options, zx_handle_t *out);

/*
 * Makes a process in a job, without threads yet; needs MANAGE_PROCESS on the job. `name` is cut to
 * ZX_MAX_NAME_LEN - 1 bytes; options are 0. Gives the process and the region that is its whole address space.
 *
 * ZX_ERR_INVALID_ARGS  options, name
 * ZX_ERR_BAD_STATE     the job was killed
 */
zx_status_t zx_process_create(zx_handle_t job, const char *name, size_t name_size, uint32_t options,
                              zx_handle_t *proc_handle, zx_handle_t *vmar_handle);

/*
 * Starts a process with its first thread at `entry`; needs WRITE on both. `arg1` moves to the new process whatever the
 * result and needs TRANSFER; its value there is the thread's first argument (rdi), `arg2` the second (rsi).
 * ZX_HANDLE_INVALID gives 0. The stack pointer is taken as it is.
 *
 * ZX_ERR_ACCESS_DENIED  the thread belongs to another process; `arg1` lacks TRANSFER
 * ZX_ERR_BAD_STATE      started before, or dead
 */
zx_status_t zx_process_start(zx_handle_t process, zx_handle_t thread, zx_vaddr_t entry, zx_vaddr_t stack,
                             zx_handle_t arg1, uintptr_t arg2);

/* Ends the calling process with all its threads. The first code recorded stays. */
void zx_process_exit(int64_t retcode) __NO_RETURN;

/*
 * Reads a process's memory into `buffer`; needs READ and WRITE on the process. As zx_process_write_memory() in
 * everything else; memory never touched reads as zeros and is not committed.
 */
zx_status_t zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void *buffer, size_t buffer_size,
                                   size_t *actual);

/*
 * Writes `buffer` into a process's memory at `vaddr`; needs WRITE on the process. Goes on through adjoining mappings
 * and ends early, with ZX_OK and the count in `actual`, at the first address that has no memory or no cacheable
 * memory, or if the target dies or memory runs out on the way. Permissions of the target's mappings do not matter: a
 * mapping that could never be made writable (program text, say) first gets a private copy, so that nobody else sees
 * the bytes. `actual` must not be NULL; it is not written on errors.
 *
 * ZX_ERR_INVALID_ARGS   `buffer` is NULL or, as far as it was reached, unreadable; `buffer_size` is 0 or above 64 MiB.
 *                       NULL and the size are looked at before the handle is
 * ZX_ERR_NO_MEMORY      the target has no memory at `vaddr`
 * ZX_ERR_BAD_STATE      the target is dying or dead, or its memory at `vaddr` is not cacheable
 * ZX_ERR_NOT_SUPPORTED  the kernel was started with kernel.enable-debugging-syscalls=false (writing only)
 */
zx_status_t zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, const void *buffer, size_t buffer_size,
                                    size_t *actual);

/* Makes a thread, not started yet; needs MANAGE_THREAD on the process. Name and options as for a process. */
zx_status_t zx_thread_create(zx_handle_t process, const char *name, size_t name_size, uint32_t options,
                             zx_handle_t *out);

/*
 * Starts a thread of a running process at `thread_entry` with two arguments; needs MANAGE_THREAD. It starts without a
 * thread pointer, so what it runs must not use the C library's errno, stdio or malloc.
 *
 * ZX_ERR_BAD_STATE  started before, or the process is not running
 */
zx_status_t zx_thread_start(zx_handle_t handle, zx_vaddr_t thread_entry, zx_vaddr_t stack, uintptr_t arg1,
                            uintptr_t arg2);

/* Ends the calling thread; the last one's end is the process's, with return code 0. */
void zx_thread_exit(void) __NO_RETURN;

/*
 * Reads or writes registers of a suspended thread; needs READ or WRITE. What they are is told by `kind`, a
 * ZX_THREAD_STATE_* of <zircon/syscalls/debug.h>; the buffer may be larger than it.
 *
 * ZX_ERR_INVALID_ARGS      no such kind, or a value that a program may not have; nothing is changed then
 * ZX_ERR_BUFFER_TOO_SMALL  smaller than the kind
 * ZX_ERR_BAD_STATE         the thread does not show ZX_THREAD_SUSPENDED
 */
zx_status_t zx_thread_read_state(zx_handle_t handle, uint32_t kind, void *buffer, size_t buffer_size);
zx_status_t zx_thread_write_state(zx_handle_t handle, uint32_t kind, const void *buffer, size_t buffer_size);

/*
 * Kills a process, or a job with all that is in it; needs DESTROY. Returns before the task is gone: wait for
 * ZX_TASK_TERMINATED. ZX_ERR_WRONG_TYPE for anything else, threads included.
 */
zx_status_t zx_task_kill(zx_handle_t task_handle);

/*
 * Suspends a process, with each thread it has or starts later, or a thread; needs WRITE. It lasts until the last handle
 * to the token is closed, and of several tokens until the last one is. It takes effect a little later: a thread then shows
 * ZX_THREAD_SUSPENDED instead of ZX_THREAD_RUNNING.
 *
 * ZX_ERR_WRONG_TYPE     neither a process nor a thread
 * ZX_ERR_NOT_SUPPORTED  the calling thread, or its process
 * ZX_ERR_BAD_STATE      dying or dead
 */
zx_status_t zx_task_suspend_token(zx_handle_t task_handle, zx_handle_t *token);

/* The same by its later name. */
zx_status_t zx_task_suspend(zx_handle_t task_handle, zx_handle_t *token);

/* memory objects (VMOs) */

/*
 * Makes a memory object of zeros, the size rounded up to pages; pages come into being when first written. Resizable
 * unless options have ZX_VMO_NON_RESIZABLE.
 *
 * ZX_ERR_INVALID_ARGS  unknown options, or RESIZABLE and NON_RESIZABLE together
 * ZX_ERR_OUT_OF_RANGE  the size is too large
 */
zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t *out);

/*
 * Copy bytes out of or into a VMO, all of them or an error; need READ, WRITE. Mappings and their permissions do not
 * matter.
 *
 * ZX_ERR_OUT_OF_RANGE   the range is not within the VMO; nothing moved
 * ZX_ERR_BAD_STATE      it is not cached
 * ZX_ERR_NOT_SUPPORTED  it is physical memory
 */
zx_status_t zx_vmo_read(zx_handle_t handle, void *buffer, uint64_t offset, size_t buffer_size);
zx_status_t zx_vmo_write(zx_handle_t handle, const void *buffer, uint64_t offset, size_t buffer_size);

/* The size, a multiple of the page size. No right needed. */
zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t *size);

/*
 * Resizes, rounding up to pages; needs WRITE. Pages beyond a smaller size are lost, mappings stay and fault there.
 *
 * ZX_ERR_UNAVAILABLE   not resizable
 * ZX_ERR_OUT_OF_RANGE  the size is too large
 */
zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size);

/*
 * Makes a VMO from a range of another; needs DUPLICATE and READ. Options are one of ZX_VMO_CHILD_SNAPSHOT (its own
 * copy of the contents of now, in no time and no memory; may reach beyond the parent's end, with zeros there),
 * _SNAPSHOT_AT_LEAST_ON_WRITE (the same here) and _SLICE (the very pages of the parent), with _RESIZABLE (snapshots)
 * or _NO_WRITE. The handle gets the source's rights and both property rights; a snapshot gains WRITE and loses
 * EXECUTE.
 *
 * ZX_ERR_INVALID_ARGS   options; `offset` not page-aligned; a slice unaligned or not within the parent
 * ZX_ERR_OUT_OF_RANGE   offset and size are too large
 * ZX_ERR_BAD_STATE      a snapshot of a VMO that is not cached
 * ZX_ERR_NOT_SUPPORTED  a slice of a resizable VMO; a snapshot of physical memory
 */
zx_status_t zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset, uint64_t size, zx_handle_t *out);

/*
 * The older spelling of a snapshot; needs DUPLICATE and READ. Options are ZX_VMO_CLONE_COPY_ON_WRITE, which must be
 * given, and _NON_RESIZEABLE. The handle gets the source's rights, EXECUTE included, both property rights, and WRITE.
 * Errors are those of zx_vmo_create_child().
 */
zx_status_t zx_vmo_clone(zx_handle_t handle, uint32_t options, uint64_t offset, uint64_t size, zx_handle_t *out);

/*
 * Makes a VMO of the machine's own memory at a physical address: device registers. Needs the root resource. It is not
 * cached until zx_vmo_set_cache_policy() says so, and can be used through mappings only.
 *
 * ZX_ERR_WRONG_TYPE    not a resource
 * ZX_ERR_INVALID_ARGS  `paddr` not page-aligned, `size` 0, or beyond what the processor can address
 */
zx_status_t zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size, zx_handle_t *out);

/*
 * Makes a VMO of zeroed memory whose pages lie one after the other in physical memory, and stay there. Needs the root
 * resource. The first page's address is a multiple of 2^alignment_log2; 0 stands for 12, pages.
 *
 * ZX_ERR_INVALID_ARGS  `size` 0; `alignment_log2` below 12 or above 63
 * ZX_ERR_WRONG_TYPE    not a resource
 * ZX_ERR_OUT_OF_RANGE  `size` is too large to round up
 * ZX_ERR_NO_MEMORY     there is no such run of pages
 */
zx_status_t zx_vmo_create_contiguous(zx_handle_t resource, size_t size, uint32_t alignment_log2, zx_handle_t *out);

/*
 * Replaces a handle to a VMO by one that also has EXECUTE. `vmex` is the root resource, or 0. The old handle is gone
 * whatever comes of it, unless it was no handle.
 *
 * ZX_ERR_BAD_HANDLE  `handle` is none, or not to a VMO; `vmex` is none
 * ZX_ERR_WRONG_TYPE  `vmex` is not a resource
 */
zx_status_t zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t *out);

/*
 * Acts on a range of a VMO: ZX_VMO_OP_COMMIT (get all its pages now, or none), _DECOMMIT (give whole pages back; they
 * read as zeros), _ZERO, and the cache operations. Needs WRITE, but _CACHE_SYNC and the two _CACHE_CLEAN need READ.
 * `buffer` and `buffer_size` are not used.
 *
 * ZX_ERR_OUT_OF_RANGE   the range is not within the VMO
 * ZX_ERR_INVALID_ARGS   no such operation; decommit of parts of pages; a cache operation on an empty range
 * ZX_ERR_NOT_SUPPORTED  lock and unlock; physical memory; decommit of contiguous memory
 */
zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size, void *buffer,
                            size_t buffer_size);

/*
 * Sets how the processor caches a VMO's memory: ZX_CACHE_POLICY_*. Needs MAP. Memory that is not cached can be used
 * through mappings only.
 *
 * ZX_ERR_INVALID_ARGS  no such policy, whatever the handle
 * ZX_ERR_BAD_STATE     the VMO has pages, a mapping, a child or a parent
 */
zx_status_t zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy);

/* address regions (VMARs) */

/*
 * Sets a region apart within another, for mappings and regions of its own. Options are ZX_VM_CAN_MAP_READ, _WRITE and
 * _EXECUTE, each of which needs the right of that name; ZX_VM_CAN_MAP_SPECIFIC; ZX_VM_COMPACT; and ZX_VM_SPECIFIC to
 * place it at `offset` from the parent's base. Without SPECIFIC the kernel picks the place and `offset` is 0. `size`
 * is whole pages.
 *
 * ZX_ERR_INVALID_ARGS   options, alignment, or the range is not within the parent
 * ZX_ERR_ACCESS_DENIED  the parent may not map so; SPECIFIC without the parent's CAN_MAP_SPECIFIC
 * ZX_ERR_BAD_STATE      the parent was destroyed
 * ZX_ERR_NO_MEMORY      the place is taken, or there is none
 */
zx_status_t zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options, uint64_t offset, uint64_t size,
                             zx_handle_t *child_vmar, zx_vaddr_t *child_addr);

/*
 * Maps `len` bytes of a VMO, from the page-aligned `vmo_offset` on, into a region; needs MAP on the VMO, and each
 * ZX_VM_PERM_* on both. What both handles allow at this moment stays the ceiling of zx_vmar_protect(). Placed as a
 * region is; ZX_VM_SPECIFIC_OVERWRITE replaces what mappings are there. ZX_VM_MAP_RANGE enters existing pages at
 * once. Mappings may reach beyond the VMO's end; using them there faults.
 *
 * ZX_ERR_INVALID_ARGS   options, WRITE or EXECUTE without READ, alignment, len 0, or not within the region
 * ZX_ERR_ACCESS_DENIED  a handle or the region does not allow a permission; SPECIFIC without CAN_MAP_SPECIFIC
 * ZX_ERR_NOT_SUPPORTED  ZX_VM_REQUIRE_NON_RESIZABLE, and the VMO is resizable
 * ZX_ERR_BAD_STATE      the region was destroyed
 * ZX_ERR_NO_MEMORY      the place is taken, or there is none
 */
zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset, zx_handle_t vmo,
                        uint64_t vmo_offset, uint64_t len, zx_vaddr_t *mapped_addr);

/*
 * Removes all mappings, and all regions wholly covered, from a range of addresses; no right needed. Holes are no error.
 *
 * ZX_ERR_INVALID_ARGS  alignment, len 0, not within the region, or a region only partly covered
 * ZX_ERR_BAD_STATE     the region was destroyed
 */
zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, uint64_t len);

/*
 * Changes the permissions of a range of addresses that is mapped without holes, to ZX_VM_PERM_*; each needs the right
 * of that name. All of the range changes, or nothing.
 *
 * ZX_ERR_INVALID_ARGS   options, alignment, len 0, not within the region, or a region in the range
 * ZX_ERR_NOT_FOUND      part of the range is not mapped
 * ZX_ERR_ACCESS_DENIED  a permission above what the mapping was made with
 * ZX_ERR_BAD_STATE      the region was destroyed
 */
zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr, uint64_t len);

/*
 * Acts on the memory that a range of addresses shows: ZX_VMAR_OP_COMMIT, _DECOMMIT and _ZERO as zx_vmo_op_range() does
 * to the VMOs, _MAP_RANGE (enters existing pages now), and hints that change nothing. No right needed; `buffer` is
 * NULL.
 *
 * ZX_ERR_INVALID_ARGS   a buffer, alignment, len 0, a region in the range, no such operation
 * ZX_ERR_OUT_OF_RANGE   not within the region, or beyond a VMO's end
 * ZX_ERR_BAD_STATE      the region was destroyed, or part of the range is not mapped
 * ZX_ERR_ACCESS_DENIED  commit, decommit or zero on a mapping that could not be made writable
 */
zx_status_t zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t addr, size_t len, const void *buffer,
                             size_t buffer_size);

/* Destroys a region with all that is in it; no right needed. Its handle stays, good for nothing: ZX_ERR_BAD_STATE. */
zx_status_t zx_vmar_destroy(zx_handle_t handle);

/* channels */

/* Makes a channel and gives its two ends. Options are 0. */
zx_status_t zx_channel_create(uint32_t options, zx_handle_t *out0, zx_handle_t *out1);

/*
 * Takes the next message; needs READ. Its handles become the caller's. The sizes always come back in `actual_bytes`
 * and `actual_handles` if there is a message; both may be NULL.
 *
 * ZX_ERR_SHOULD_WAIT       no message: wait for ZX_CHANNEL_READABLE
 * ZX_ERR_PEER_CLOSED       none, and none can come
 * ZX_ERR_BUFFER_TOO_SMALL  it does not fit and stays; with ZX_CHANNEL_READ_MAY_DISCARD it is lost
 * ZX_ERR_NOT_SUPPORTED     other options
 */
zx_status_t zx_channel_read(zx_handle_t handle, uint32_t options, void *bytes, zx_handle_t *handles, uint32_t num_bytes,
                            uint32_t num_handles, uint32_t *actual_bytes, uint32_t *actual_handles);

/*
 * Sends a message to the other end; needs WRITE, and TRANSFER on each handle. The handles are gone from the caller
 * whatever the result. Options are 0.
 *
 * ZX_ERR_OUT_OF_RANGE   above ZX_CHANNEL_MAX_MSG_BYTES or ZX_CHANNEL_MAX_MSG_HANDLES
 * ZX_ERR_NOT_SUPPORTED  this very end among the handles
 * ZX_ERR_PEER_CLOSED    the other end is gone
 */
zx_status_t zx_channel_write(zx_handle_t handle, uint32_t options, const void *bytes, uint32_t num_bytes,
                             const zx_handle_t *handles, uint32_t num_handles);

/*
 * Sends a request and waits for the reply to it; needs READ and WRITE. The kernel puts a number of its own into the
 * first four bytes of the message sent, and the message that comes back with the same number goes to this caller alone,
 * whoever else calls or reads. Sending is as in zx_channel_write(), receiving as in zx_channel_read(), where the reply
 * is lost if it does not fit. Options are 0.
 *
 * ZX_ERR_INVALID_ARGS  a request of less than four bytes
 * ZX_ERR_TIMED_OUT     no reply by the deadline; one that comes later is a message like others
 * ZX_ERR_PEER_CLOSED   the other end is gone, and left no reply
 * ZX_ERR_CANCELED      the handle was closed, replaced or sent away meanwhile
 */
zx_status_t zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                            const zx_channel_call_args_t *args, uint32_t *actual_bytes, uint32_t *actual_handles);

/*
 * What zx_channel_call() is made of: sends the request and waits. ZX_ERR_INTERNAL_INTR_RETRY: the thread was suspended, and
 * the call is to be waited for with the next.
 */
zx_status_t zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                    const zx_channel_call_args_t *args, uint32_t *actual_bytes,
                                    uint32_t *actual_handles);

/* Goes on waiting for this thread's call, with the buffers it began with. ZX_ERR_BAD_STATE: there is none. */
zx_status_t zx_channel_call_finish(zx_time_t deadline, uint32_t *actual_bytes, uint32_t *actual_handles);

/* events */

/* Makes an event: an object that is nothing but its signals. Options are 0. */
zx_status_t zx_event_create(uint32_t options, zx_handle_t *out);

/*
 * Makes two events, each the other's peer: zx_object_signal_peer() signals the other one, and when one is gone, the
 * other is ZX_EVENTPAIR_PEER_CLOSED. Options are 0, else ZX_ERR_NOT_SUPPORTED.
 */
zx_status_t zx_eventpair_create(uint32_t options, zx_handle_t *out0, zx_handle_t *out1);

/* futexes: words of a process's own memory, aligned to 4 bytes, that its threads wait for. No handle, no right. */

/*
 * Waits until woken, if the word at `value_ptr` holds `current_value`; between looking and waiting no wake is lost.
 * There are no owners here: `new_futex_owner` is ZX_HANDLE_INVALID.
 *
 * ZX_ERR_INVALID_ARGS  misaligned, or cannot be read; an owner
 * ZX_ERR_BAD_STATE     the word holds another value
 * ZX_ERR_TIMED_OUT     nobody woke it by the deadline
 */
zx_status_t zx_futex_wait(const zx_futex_t *value_ptr, zx_futex_t current_value, zx_handle_t new_futex_owner,
                          zx_time_t deadline);

/*
 * Wakes up to `wake_count` waiters, first come first. The word itself is not looked at. ZX_ERR_INVALID_ARGS:
 * misaligned.
 */
zx_status_t zx_futex_wake(const zx_futex_t *value_ptr, uint32_t wake_count);

/*
 * If the word at `value_ptr` holds `current_value`, wakes up to `wake_count` of its waiters, and has up to
 * `requeue_count` of the others wait at `requeue_ptr` instead, behind those that are there.
 *
 * ZX_ERR_INVALID_ARGS  misaligned, or the first cannot be read; both the same; an owner
 * ZX_ERR_BAD_STATE     the word holds another value
 */
zx_status_t zx_futex_requeue(const zx_futex_t *value_ptr, uint32_t wake_count, zx_futex_t current_value,
                             const zx_futex_t *requeue_ptr, uint32_t requeue_count, zx_handle_t new_requeue_owner);

/* Gives ZX_KOID_INVALID: no futex has an owner. */
zx_status_t zx_futex_get_owner(const zx_futex_t *value_ptr, zx_koid_t *koid);

/* ports */

/* Makes a port, a queue of packets. Options are 0, else ZX_ERR_INVALID_ARGS. */
zx_status_t zx_port_create(uint32_t options, zx_handle_t *out);

/*
 * Puts a packet into a port; needs WRITE. Its type becomes ZX_PKT_TYPE_USER; key, status and contents are the program's.
 *
 * ZX_ERR_SHOULD_WAIT  more than 2048 packets wait in it
 */
zx_status_t zx_port_queue(zx_handle_t handle, const zx_port_packet_t *packet);

/*
 * Takes the oldest packet of a port, waiting for one until the deadline; needs READ. It is lost if `packet` cannot be
 * written.
 *
 * ZX_ERR_TIMED_OUT  there was none by then
 */
zx_status_t zx_port_wait(zx_handle_t handle, zx_time_t deadline, zx_port_packet_t *packet);

/*
 * Ends what zx_object_wait_async began on this port with this key through this very handle, and takes back packets that
 * it put in; needs WRITE on the port, WAIT on the source.
 *
 * ZX_ERR_NOT_SUPPORTED  objects of the source's type have no signals
 * ZX_ERR_NOT_FOUND      there was nothing to end
 */
zx_status_t zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key);

/*
 * Lets a packet be put into a port when one of some signals of an object comes up, or at once if one is up; needs WRITE on the
 * port, WAIT on the object. Once, or with ZX_WAIT_ASYNC_REPEATING each time. It ends without a packet when `handle` is
 * closed.
 *
 * ZX_ERR_NOT_SUPPORTED  objects of this type have no signals
 * ZX_ERR_INVALID_ARGS   other options
 */
zx_status_t zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key, zx_signals_t signals,
                                 uint32_t options);

/* time */

/* Nanoseconds since the machine started; never goes back. */
zx_time_t zx_clock_get_monotonic(void);

/* Sleeps until the deadline, never less; yields if it has passed. Always ZX_OK. */
zx_status_t zx_nanosleep(zx_time_t deadline);

/* The finest counter there is; its rate is constant and the machine's own. */
zx_ticks_t zx_ticks_get(void);

/* How far that counter goes in a second. */
zx_ticks_t zx_ticks_per_second(void);

/*
 * Makes a timer, not set. Options are one of ZX_TIMER_SLACK_*.
 *
 * ZX_ERR_INVALID_ARGS  other options, or a clock other than ZX_CLOCK_MONOTONIC
 */
zx_status_t zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t *out);

/*
 * Takes ZX_TIMER_SIGNALED down, and puts it up at the deadline, at once if that has passed; needs WRITE. Up to
 * `slack` earlier or later, as the timer was made, if another timer goes off then.
 *
 * ZX_ERR_OUT_OF_RANGE  the slack is negative
 */
zx_status_t zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack);

/* Takes ZX_TIMER_SIGNALED down, and lets a timer forget its deadline; needs WRITE. */
zx_status_t zx_timer_cancel(zx_handle_t handle);

/* The time that is `nanoseconds` from now, stopping at ZX_TIME_INFINITE. No system call of its own. */
zx_time_t zx_deadline_after(zx_duration_t nanoseconds);

/* random bytes, and the machine */

/* Fills a buffer with bytes that nobody can guess. One that cannot be written ends the program. */
void zx_cprng_draw(void *buffer, size_t buffer_size);

/*
 * What zx_cprng_draw() is made of: up to ZX_CPRNG_DRAW_MAX_LEN bytes at a time, more are ZX_ERR_INVALID_ARGS, and so is
 * a buffer that cannot be written.
 */
zx_status_t zx_cprng_draw_once(void *buffer, size_t buffer_size);

/*
 * Stirs bytes into what random bytes are made from; up to ZX_CPRNG_ADD_ENTROPY_MAX_LEN, more are ZX_ERR_INVALID_ARGS.
 */
zx_status_t zx_cprng_add_entropy(const void *buffer, size_t buffer_size);

/* The processors that run programs, and the bytes of memory that the machine has. */
uint32_t zx_system_get_num_cpus(void);
uint64_t zx_system_get_physmem(void);

/* The bytes of a line of the data cache. No system call of its own; nor are the next two. */
uint32_t zx_system_get_dcache_line_size(void);

/* The system's name for itself, as text of at most 64 bytes. ZX_ERR_BUFFER_TOO_SMALL: room for less. */
zx_status_t zx_system_get_version(char *version, size_t version_size);

/* The features of that kind, ZX_FEATURE_KIND_* of <zircon/features.h>. ZX_ERR_NOT_SUPPORTED: no such kind. */
zx_status_t zx_system_get_features(uint32_t kind, uint32_t *features);

/* console and kernel */

/*
 * Reads from the console what was typed; needs the root resource. Waits until all of `*buffer_size` bytes have come,
 * and sets it to their number. A carriage return reads as a newline; nothing is echoed.
 */
zx_status_t zx_debug_read(zx_handle_t resource, char *buffer, size_t *buffer_size);

/* Writes up to 256 bytes to the console, more are cut off. No handle needed. */
zx_status_t zx_debug_write(const char *buffer, size_t buffer_size);

/*
 * A word to the kernel's own tests, with the root resource; debug builds only, else ZX_ERR_NOT_SUPPORTED.
 *
 * report TEXT  a line for the report of the test run
 * baseline     remember free memory and the counts of objects and handles; "baseline inner" and "leaks inner" are a
 *              second pair
 * leaks        ZX_ERR_BAD_STATE if they are not back there; the log has details
 * check        ZX_ERR_INTERNAL if an invariant of the kernel is broken
 */
zx_status_t zx_debug_send_command(zx_handle_t resource, const char *buffer, size_t buffer_size);

/* the same by their second names */

#define ZX_SECOND_NAME(name) extern __typeof__(zx_##name) _zx_##name
ZX_SECOND_NAME(handle_close);
ZX_SECOND_NAME(handle_close_many);
ZX_SECOND_NAME(handle_duplicate);
ZX_SECOND_NAME(handle_replace);
ZX_SECOND_NAME(object_get_info);
ZX_SECOND_NAME(object_get_property);
ZX_SECOND_NAME(object_set_property);
ZX_SECOND_NAME(object_get_child);
ZX_SECOND_NAME(object_signal);
ZX_SECOND_NAME(object_signal_peer);
ZX_SECOND_NAME(object_wait_one);
ZX_SECOND_NAME(object_wait_many);
ZX_SECOND_NAME(job_create);
ZX_SECOND_NAME(process_create);
ZX_SECOND_NAME(process_start);
ZX_SECOND_NAME(process_exit);
ZX_SECOND_NAME(process_read_memory);
ZX_SECOND_NAME(process_write_memory);
ZX_SECOND_NAME(thread_create);
ZX_SECOND_NAME(thread_start);
ZX_SECOND_NAME(thread_exit);
ZX_SECOND_NAME(thread_read_state);
ZX_SECOND_NAME(thread_write_state);
ZX_SECOND_NAME(task_kill);
ZX_SECOND_NAME(task_suspend_token);
ZX_SECOND_NAME(task_suspend);
ZX_SECOND_NAME(vmo_create);
ZX_SECOND_NAME(vmo_read);
ZX_SECOND_NAME(vmo_write);
ZX_SECOND_NAME(vmo_get_size);
ZX_SECOND_NAME(vmo_set_size);
ZX_SECOND_NAME(vmo_create_child);
ZX_SECOND_NAME(vmo_clone);
ZX_SECOND_NAME(vmo_create_physical);
ZX_SECOND_NAME(vmo_create_contiguous);
ZX_SECOND_NAME(vmo_replace_as_executable);
ZX_SECOND_NAME(vmo_op_range);
ZX_SECOND_NAME(vmo_set_cache_policy);
ZX_SECOND_NAME(vmar_allocate);
ZX_SECOND_NAME(vmar_map);
ZX_SECOND_NAME(vmar_unmap);
ZX_SECOND_NAME(vmar_protect);
ZX_SECOND_NAME(vmar_op_range);
ZX_SECOND_NAME(vmar_destroy);
ZX_SECOND_NAME(channel_create);
ZX_SECOND_NAME(channel_read);
ZX_SECOND_NAME(channel_write);
ZX_SECOND_NAME(channel_call);
ZX_SECOND_NAME(channel_call_noretry);
ZX_SECOND_NAME(channel_call_finish);
ZX_SECOND_NAME(event_create);
ZX_SECOND_NAME(eventpair_create);
ZX_SECOND_NAME(timer_create);
ZX_SECOND_NAME(timer_set);
ZX_SECOND_NAME(timer_cancel);
ZX_SECOND_NAME(port_create);
ZX_SECOND_NAME(port_queue);
ZX_SECOND_NAME(port_wait);
ZX_SECOND_NAME(port_cancel);
ZX_SECOND_NAME(object_wait_async);
ZX_SECOND_NAME(futex_wait);
ZX_SECOND_NAME(futex_wake);
ZX_SECOND_NAME(futex_requeue);
ZX_SECOND_NAME(futex_get_owner);
ZX_SECOND_NAME(clock_get_monotonic);
ZX_SECOND_NAME(nanosleep);
ZX_SECOND_NAME(ticks_get);
ZX_SECOND_NAME(ticks_per_second);
ZX_SECOND_NAME(deadline_after);
ZX_SECOND_NAME(cprng_draw);
ZX_SECOND_NAME(cprng_draw_once);
ZX_SECOND_NAME(cprng_add_entropy);
ZX_SECOND_NAME(system_get_num_cpus);
ZX_SECOND_NAME(system_get_physmem);
ZX_SECOND_NAME(system_get_dcache_line_size);
ZX_SECOND_NAME(system_get_version);
ZX_SECOND_NAME(system_get_features);
ZX_SECOND_NAME(debug_read);
ZX_SECOND_NAME(debug_write);
ZX_SECOND_NAME(debug_send_command);
#undef ZX_SECOND_NAME

__END_CDECLS
