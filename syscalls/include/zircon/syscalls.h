/*
 * Every system call. The stubs behind these prototypes belong to the C runtime; each also answers to _zx_NAME.
 *
 * The manual page that stands above a group has each call's rights, errors and fine points; syscalls/handle.md has what
 * holds for all: a handle that is none is ZX_ERR_BAD_HANDLE, one to an object of another type ZX_ERR_WRONG_TYPE, one
 * that lacks a right ZX_ERR_ACCESS_DENIED, in this order; a pointer that cannot be read or written is
 * ZX_ERR_INVALID_ARGS; results are written on ZX_OK only. Sizes are in bytes, deadlines in nanoseconds of
 * zx_clock_get_monotonic(): one that has passed polls, ZX_TIME_INFINITE waits for ever.
 */
#pragma once

#include <zircon/syscalls/object.h>
#include <zircon/syscalls/types.h>
#include <zircon/types.h>

__BEGIN_CDECLS

/* From here on made by syscalls/generate.pl; a comment is its manual section's first sentence. */

/* --- Handles: syscalls/handle.md --- */

/* Closes a handle. */
zx_status_t zx_handle_close(zx_handle_t handle);
/* Closes many handles, each as zx_handle_close does. */
zx_status_t zx_handle_close_many(const zx_handle_t *handles, size_t num_handles);
/* Makes one more handle to the same object, with the same rights or fewer. */
zx_status_t zx_handle_duplicate(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out);
/* Exchanges a handle for a new one with the same rights or fewer. */
zx_status_t zx_handle_replace(zx_handle_t handle, zx_rights_t rights, zx_handle_t *out);

/* --- Objects: syscalls/object.md --- */

/* Tells about the object behind a handle. */
zx_status_t zx_object_get_info(zx_handle_t handle, uint32_t topic, void *buffer, size_t buffer_size, size_t *actual,
                               size_t *avail);
/* Gets a property of an object. */
zx_status_t zx_object_get_property(zx_handle_t handle, uint32_t property, void *value, size_t value_size);
/* Sets a property of an object. */
zx_status_t zx_object_set_property(zx_handle_t handle, uint32_t property, const void *value, size_t value_size);
/* Makes a handle to an object that another one holds, by its koid. */
zx_status_t zx_object_get_child(zx_handle_t handle, uint64_t koid, zx_rights_t rights, zx_handle_t *out);
/* Takes some signals of an object down, and then puts some up. */
zx_status_t zx_object_signal(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
/* The same for the other end of a channel or an event pair. */
zx_status_t zx_object_signal_peer(zx_handle_t handle, uint32_t clear_mask, uint32_t set_mask);
/* Waits until one of some signals is up on an object, until a deadline. */
zx_status_t zx_object_wait_one(zx_handle_t handle, zx_signals_t signals, zx_time_t deadline, zx_signals_t *observed);
/* Waits for several objects at a time, until for one of them at least one of the signals it is waited for is up. */
zx_status_t zx_object_wait_many(zx_wait_item_t *items, size_t num_items, zx_time_t deadline);

/* --- Processes, threads and jobs: syscalls/task.md --- */

/* Makes a job in a job. */
zx_status_t zx_job_create(zx_handle_t parent_job, uint32_t options, zx_handle_t *out);
/* Makes a process in a job, and gives a handle to it and one to the VMAR that is its whole address space. */
zx_status_t zx_process_create(zx_handle_t job, const char *name, size_t name_size, uint32_t options,
                              zx_handle_t *proc_handle, zx_handle_t *vmar_handle);
/* Starts a process with its first thread, at entry with the stack pointer stack. */
zx_status_t zx_process_start(zx_handle_t process, zx_handle_t thread, zx_vaddr_t entry, zx_vaddr_t stack,
                             zx_handle_t arg1, uintptr_t arg2);
/* Ends the calling process with all its threads. */
void zx_process_exit(int64_t retcode) __NO_RETURN;
/* Makes a thread in a process, without starting it. */
zx_status_t zx_thread_create(zx_handle_t process, const char *name, size_t name_size, uint32_t options,
                             zx_handle_t *out);
/* Starts a thread of a running process, at thread_entry with the stack pointer stack and two arguments. */
zx_status_t zx_thread_start(zx_handle_t handle, zx_vaddr_t thread_entry, zx_vaddr_t stack, uintptr_t arg1,
                            uintptr_t arg2);
/* Ends the calling thread. */
void zx_thread_exit(void) __NO_RETURN;
/* Kills a process, or a job with every job and process in it. */
zx_status_t zx_task_kill(zx_handle_t task_handle);
/* Suspends a process or a thread. */
zx_status_t zx_task_suspend_token(zx_handle_t task_handle, zx_handle_t *token);
/* zx_task_suspend_token by its later name. */
zx_status_t zx_task_suspend(zx_handle_t task_handle, zx_handle_t *token);

/* --- Registers of threads: syscalls/thread_state.md --- */

/* Reads one kind of a thread's registers. */
zx_status_t zx_thread_read_state(zx_handle_t handle, uint32_t kind, void *buffer, size_t buffer_size);
/* Changes one kind of a thread's registers, all of it or nothing. */
zx_status_t zx_thread_write_state(zx_handle_t handle, uint32_t kind, const void *buffer, size_t buffer_size);

/* --- Process memory: syscalls/process_memory.md --- */

/* Writes the caller's buffer into a process's memory at vaddr. */
zx_status_t zx_process_write_memory(zx_handle_t handle, zx_vaddr_t vaddr, const void *buffer, size_t buffer_size,
                                    size_t *actual);
/* Reads a process's memory at vaddr into buffer. */
zx_status_t zx_process_read_memory(zx_handle_t handle, zx_vaddr_t vaddr, void *buffer, size_t buffer_size,
                                   size_t *actual);

/* --- Memory objects (VMOs): syscalls/vmo.md --- */

/* Makes a VMO full of zeros. */
zx_status_t zx_vmo_create(uint64_t size, uint32_t options, zx_handle_t *out);
/* Makes a VMO from a range of another. */
zx_status_t zx_vmo_create_child(zx_handle_t handle, uint32_t options, uint64_t offset, uint64_t size, zx_handle_t *out);
/* The older spelling of a snapshot, which later Zircon does without. */
zx_status_t zx_vmo_clone(zx_handle_t handle, uint32_t options, uint64_t offset, uint64_t size, zx_handle_t *out);
/*
 * Makes a VMO whose pages lie one after the other in physical memory, for devices that read and write memory by
 * themselves.
 */
zx_status_t zx_vmo_create_contiguous(zx_handle_t resource, size_t size, uint32_t alignment_log2, zx_handle_t *out);
/* Makes a VMO of what the machine has at a physical address. */
zx_status_t zx_vmo_create_physical(zx_handle_t resource, zx_paddr_t paddr, size_t size, zx_handle_t *out);
/* Replaces a handle to a VMO by one that has EXECUTE as well, so that what was written can be run. */
zx_status_t zx_vmo_replace_as_executable(zx_handle_t handle, zx_handle_t vmex, zx_handle_t *out);
/* Copies bytes out of a VMO, all of them or it is an error. */
zx_status_t zx_vmo_read(zx_handle_t handle, void *buffer, uint64_t offset, size_t buffer_size);
/* Copies bytes into a VMO, committing its pages. */
zx_status_t zx_vmo_write(zx_handle_t handle, const void *buffer, uint64_t offset, size_t buffer_size);
/* Tells the size in bytes, a multiple of the page size. */
zx_status_t zx_vmo_get_size(zx_handle_t handle, uint64_t *size);
/* Makes a VMO longer or shorter, rounding up to whole pages. */
zx_status_t zx_vmo_set_size(zx_handle_t handle, uint64_t size);
/* Acts on a range of a VMO. */
zx_status_t zx_vmo_op_range(zx_handle_t handle, uint32_t op, uint64_t offset, uint64_t size, void *buffer,
                            size_t buffer_size);
/* Sets how the processor caches a VMO's memory. */
zx_status_t zx_vmo_set_cache_policy(zx_handle_t handle, uint32_t cache_policy);

/* --- Address regions (VMARs): syscalls/vmar.md --- */

/* Sets a range apart within a VMAR, as a VMAR of its own. */
zx_status_t zx_vmar_allocate(zx_handle_t parent_vmar, zx_vm_option_t options, uint64_t offset, uint64_t size,
                             zx_handle_t *child_vmar, zx_vaddr_t *child_addr);
/* Maps len bytes of a VMO, from vmo_offset on, into a VMAR. */
zx_status_t zx_vmar_map(zx_handle_t handle, zx_vm_option_t options, uint64_t vmar_offset, zx_handle_t vmo,
                        uint64_t vmo_offset, uint64_t len, zx_vaddr_t *mapped_addr);
/* Removes everything in a range of addresses. */
zx_status_t zx_vmar_unmap(zx_handle_t handle, zx_vaddr_t addr, uint64_t len);
/* Changes the permissions of a range of addresses to exactly those named, for all of it or for nothing. */
zx_status_t zx_vmar_protect(zx_handle_t handle, zx_vm_option_t options, zx_vaddr_t addr, uint64_t len);
/* Destroys a VMAR with everything in it, at once and in all threads of the process. */
zx_status_t zx_vmar_destroy(zx_handle_t handle);
/* Acts on the memory that a range of addresses shows, over as many mappings as it takes. */
zx_status_t zx_vmar_op_range(zx_handle_t handle, uint32_t op, zx_vaddr_t addr, size_t len, const void *buffer,
                             size_t buffer_size);

/* --- Channels: syscalls/channel.md --- */

/* Makes a channel and gives its two ends, which are alike. */
zx_status_t zx_channel_create(uint32_t options, zx_handle_t *out0, zx_handle_t *out1);
/* Takes the next message. */
zx_status_t zx_channel_read(zx_handle_t handle, uint32_t options, void *bytes, zx_handle_t *handles, uint32_t num_bytes,
                            uint32_t num_handles, uint32_t *actual_bytes, uint32_t *actual_handles);
/* Sends a message to the other end. */
zx_status_t zx_channel_write(zx_handle_t handle, uint32_t options, const void *bytes, uint32_t num_bytes,
                             const zx_handle_t *handles, uint32_t num_handles);
/* Sends a request and waits for the reply to it. */
zx_status_t zx_channel_call(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                            const zx_channel_call_args_t *args, uint32_t *actual_bytes, uint32_t *actual_handles);
/* What zx_channel_call is made of. */
zx_status_t zx_channel_call_noretry(zx_handle_t handle, uint32_t options, zx_time_t deadline,
                                    const zx_channel_call_args_t *args, uint32_t *actual_bytes,
                                    uint32_t *actual_handles);
/* Goes on with the calling thread's call. */
zx_status_t zx_channel_call_finish(zx_time_t deadline, uint32_t *actual_bytes, uint32_t *actual_handles);

/* --- Events: syscalls/event.md --- */

/* Makes an event. */
zx_status_t zx_event_create(uint32_t options, zx_handle_t *out);
/* Makes two events that are each other's peer. */
zx_status_t zx_eventpair_create(uint32_t options, zx_handle_t *out0, zx_handle_t *out1);

/* --- Timers: syscalls/timer.md --- */

/* Makes a timer. */
zx_status_t zx_timer_create(uint32_t options, zx_clock_t clock_id, zx_handle_t *out);
/* Sets a timer. */
zx_status_t zx_timer_set(zx_handle_t handle, zx_time_t deadline, zx_duration_t slack);
/* Takes a timer's signal down, and lets it forget what it was set to. */
zx_status_t zx_timer_cancel(zx_handle_t handle);

/* --- Ports: syscalls/port.md --- */

/* Makes a port, with nothing in it. */
zx_status_t zx_port_create(uint32_t options, zx_handle_t *out);
/* Puts a packet into a port. */
zx_status_t zx_port_queue(zx_handle_t handle, const zx_port_packet_t *packet);
/* Takes the oldest packet, or waits for one until the deadline. */
zx_status_t zx_port_wait(zx_handle_t handle, zx_time_t deadline, zx_port_packet_t *packet);
/* Lets a packet be put into a port when one of some signals of an object comes up, or at once if one is up. */
zx_status_t zx_object_wait_async(zx_handle_t handle, zx_handle_t port, uint64_t key, zx_signals_t signals,
                                 uint32_t options);
/*
 * Ends the waits that were begun on a port with a key through this very handle to the source, and takes their packets
 * out of it.
 */
zx_status_t zx_port_cancel(zx_handle_t handle, zx_handle_t source, uint64_t key);

/* --- Futexes: syscalls/futex.md --- */

/* Waits until another thread wakes this one, if the word holds a certain value. */
zx_status_t zx_futex_wait(const zx_futex_t *value_ptr, zx_futex_t current_value, zx_handle_t new_futex_owner,
                          zx_time_t deadline);
/* Wakes up to wake_count of the threads that wait for a word, those first that came first. */
zx_status_t zx_futex_wake(const zx_futex_t *value_ptr, uint32_t wake_count);
/*
 * If a word holds a certain value, wakes up to wake_count of the threads that wait for it, and has up to requeue_count
 * of those that are left wait for another word instead, behind those that wait for it already.
 */
zx_status_t zx_futex_requeue(const zx_futex_t *value_ptr, uint32_t wake_count, zx_futex_t current_value,
                             const zx_futex_t *requeue_ptr, uint32_t requeue_count, zx_handle_t new_requeue_owner);
/* Tells who owns a futex. */
zx_status_t zx_futex_get_owner(const zx_futex_t *value_ptr, zx_koid_t *koid);

/* --- The machine, and random bytes: syscalls/system.md --- */

/* Fills a buffer with bytes that nobody can guess, whatever its length. */
void zx_cprng_draw(void *buffer, size_t buffer_size);
/* What zx_cprng_draw is made of. */
zx_status_t zx_cprng_draw_once(void *buffer, size_t buffer_size);
/* Stirs bytes into the generator's key. */
zx_status_t zx_cprng_add_entropy(const void *buffer, size_t buffer_size);
/* Tells how many processors run programs. */
uint32_t zx_system_get_num_cpus(void);
/* Tells how many bytes of memory the machine has, those that the kernel needs for itself included. */
uint64_t zx_system_get_physmem(void);
/* Tells how many bytes a line of the data cache has. */
uint32_t zx_system_get_dcache_line_size(void);
/*
 * Makes memory agree with what the caches hold of [addr, addr + size), for a device that reaches it past them, or for a
 * thread that executes what it wrote.
 */
zx_status_t zx_cache_flush(const void *addr, size_t size, uint32_t options);
/* Gives the system's name for itself. */
zx_status_t zx_system_get_version(char *version, size_t version_size);
/* Tells the features of one kind, as bits of <zircon/features.h>. */
zx_status_t zx_system_get_features(uint32_t kind, uint32_t *features);

/* --- Time: syscalls/time.md --- */

/* Tells the time. */
zx_time_t zx_clock_get_monotonic(void);
/* Sleeps until a deadline, never less. */
zx_status_t zx_nanosleep(zx_time_t deadline);
/* Reads the finest counter the machine has. */
zx_ticks_t zx_ticks_get(void);
/* Tells how far that counter goes in a second. */
zx_ticks_t zx_ticks_per_second(void);
/* Tells the time that is so many nanoseconds from now, but at most ZX_TIME_INFINITE. */
zx_time_t zx_deadline_after(zx_duration_t nanoseconds);

/* --- Debugging the system: syscalls/debug.md --- */

/* Reads what was typed on the console. */
zx_status_t zx_debug_read(zx_handle_t resource, char *buffer, size_t *buffer_size);
/* Writes text to the console, the first 256 bytes of it. */
zx_status_t zx_debug_write(const char *buffer, size_t buffer_size);
/* A word of a test program to the kernel, in debug builds. */
zx_status_t zx_debug_send_command(zx_handle_t resource, const char *buffer, size_t buffer_size);

/* clang-format off */
#define ZX_SECOND_NAME(name) extern __typeof__(zx_##name) _zx_##name
ZX_SECOND_NAME(handle_close); ZX_SECOND_NAME(handle_close_many); ZX_SECOND_NAME(handle_duplicate);
ZX_SECOND_NAME(handle_replace); ZX_SECOND_NAME(object_get_info); ZX_SECOND_NAME(object_get_property);
ZX_SECOND_NAME(object_set_property); ZX_SECOND_NAME(object_get_child); ZX_SECOND_NAME(object_signal);
ZX_SECOND_NAME(object_signal_peer); ZX_SECOND_NAME(object_wait_one); ZX_SECOND_NAME(object_wait_many);
ZX_SECOND_NAME(job_create); ZX_SECOND_NAME(process_create); ZX_SECOND_NAME(process_start); ZX_SECOND_NAME(process_exit);
ZX_SECOND_NAME(thread_create); ZX_SECOND_NAME(thread_start); ZX_SECOND_NAME(thread_exit); ZX_SECOND_NAME(task_kill);
ZX_SECOND_NAME(task_suspend_token); ZX_SECOND_NAME(task_suspend); ZX_SECOND_NAME(thread_read_state);
ZX_SECOND_NAME(thread_write_state); ZX_SECOND_NAME(process_write_memory); ZX_SECOND_NAME(process_read_memory);
ZX_SECOND_NAME(vmo_create); ZX_SECOND_NAME(vmo_create_child); ZX_SECOND_NAME(vmo_clone);
ZX_SECOND_NAME(vmo_create_contiguous); ZX_SECOND_NAME(vmo_create_physical); ZX_SECOND_NAME(vmo_replace_as_executable);
ZX_SECOND_NAME(vmo_read); ZX_SECOND_NAME(vmo_write); ZX_SECOND_NAME(vmo_get_size); ZX_SECOND_NAME(vmo_set_size);
ZX_SECOND_NAME(vmo_op_range); ZX_SECOND_NAME(vmo_set_cache_policy); ZX_SECOND_NAME(vmar_allocate);
ZX_SECOND_NAME(vmar_map); ZX_SECOND_NAME(vmar_unmap); ZX_SECOND_NAME(vmar_protect); ZX_SECOND_NAME(vmar_destroy);
ZX_SECOND_NAME(vmar_op_range); ZX_SECOND_NAME(channel_create); ZX_SECOND_NAME(channel_read);
ZX_SECOND_NAME(channel_write); ZX_SECOND_NAME(channel_call); ZX_SECOND_NAME(channel_call_noretry);
ZX_SECOND_NAME(channel_call_finish); ZX_SECOND_NAME(event_create); ZX_SECOND_NAME(eventpair_create);
ZX_SECOND_NAME(timer_create); ZX_SECOND_NAME(timer_set); ZX_SECOND_NAME(timer_cancel); ZX_SECOND_NAME(port_create);
ZX_SECOND_NAME(port_queue); ZX_SECOND_NAME(port_wait); ZX_SECOND_NAME(object_wait_async); ZX_SECOND_NAME(port_cancel);
ZX_SECOND_NAME(futex_wait); ZX_SECOND_NAME(futex_wake); ZX_SECOND_NAME(futex_requeue); ZX_SECOND_NAME(futex_get_owner);
ZX_SECOND_NAME(cprng_draw); ZX_SECOND_NAME(cprng_draw_once); ZX_SECOND_NAME(cprng_add_entropy);
ZX_SECOND_NAME(system_get_num_cpus); ZX_SECOND_NAME(system_get_physmem); ZX_SECOND_NAME(system_get_dcache_line_size);
ZX_SECOND_NAME(cache_flush); ZX_SECOND_NAME(system_get_version); ZX_SECOND_NAME(system_get_features);
ZX_SECOND_NAME(clock_get_monotonic); ZX_SECOND_NAME(nanosleep); ZX_SECOND_NAME(ticks_get);
ZX_SECOND_NAME(ticks_per_second); ZX_SECOND_NAME(deadline_after); ZX_SECOND_NAME(debug_read);
ZX_SECOND_NAME(debug_write); ZX_SECOND_NAME(debug_send_command);
#undef ZX_SECOND_NAME
/* clang-format on */

__END_CDECLS
