/*
 * All steps; the list that the input chooses from is in steps.c.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernel/sched/thread.h"
#include "tests/host/world.h"

step_fn step_vmo_create, step_vmo_read, step_vmo_write, step_vmo_get_size, step_vmo_set_size, step_vmo_create_child;
step_fn step_vmo_op_range, step_vmo_set_cache_policy;
step_fn step_vmar_allocate, step_vmar_map, step_vmar_unmap, step_vmar_protect, step_vmar_destroy;
step_fn step_process_read, step_process_write, step_store, step_load;
step_fn step_handle_close, step_handle_close_many, step_handle_duplicate, step_handle_replace, step_get_info;
step_fn step_channel_create, step_channel_write, step_channel_read, step_channel_call;
step_fn step_event_create, step_eventpair_create, step_object_signal, step_signal_peer, step_wait, step_wait_many;
step_fn step_futex_wait, step_futex_wake, step_futex_requeue;
step_fn step_process_create, step_thread_create, step_process_start, step_thread_start, step_task_kill, step_no_call;
step_fn step_vmo_clone, step_vmo_create_contiguous, step_vmo_replace_as_executable, step_vmo_create_physical;
step_fn step_vmar_op_range, step_get_list, step_get_child, step_small_calls, step_debug_command, step_debug_read;
step_fn step_set_property, step_set_name, step_get_name, step_random_bytes;
step_fn step_port, step_timer, step_task, step_clocks, step_task_numbers, step_exception;
step_fn step_resource, step_policy, step_interrupt, step_channel_etc;
