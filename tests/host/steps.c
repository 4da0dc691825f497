/*
 * The steps by number. New ones come at the end, so that old inputs keep their meaning; what is listed twice happens more often.
 */
#include "tests/host/steps.h"

step_fn *const steps[] = {
    step_vmo_create,     step_vmar_map,       step_vmo_write,      step_vmo_create_child, step_process_write,
    step_vmo_read,       step_vmo_op_range,   step_vmar_unmap,     step_vmar_protect,     step_process_read,
    step_store,          step_load,           step_vmo_set_size,   step_vmar_allocate,    step_handle_close,
    step_channel_write,  step_channel_read,   step_handle_replace, step_handle_duplicate, step_process_create,
    step_thread_create,  step_process_start,  step_task_kill,      step_vmar_destroy,     step_vmo_set_cache_policy,
    step_channel_create, step_get_info,       step_vmo_get_size,   step_thread_start,     step_no_call,
    step_vmar_map,       step_process_write,  step_store,          step_vmo_create_child,
};

const unsigned step_count = sizeof(steps) / sizeof(steps[0]);
