/*
 * What object_get_info tells and object_set_property takes, and how a task's end is told.
 */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/* Topics of object_get_info, each with the right it needs and the struct it fills in. */
typedef uint32_t zx_object_info_topic_t;
#define ZX_INFO_NONE ((zx_object_info_topic_t)0u)
#define ZX_INFO_HANDLE_VALID ((zx_object_info_topic_t)1u) /* no right, nothing filled in: is this a handle? */
#define ZX_INFO_HANDLE_BASIC ((zx_object_info_topic_t)2u) /* no right; zx_info_handle_basic_t */
#define ZX_INFO_PROCESS ((zx_object_info_topic_t)3u)      /* INSPECT; zx_info_process_t */
#define ZX_INFO_VMAR ((zx_object_info_topic_t)7u)         /* INSPECT; zx_info_vmar_t */

/* Can this object be waited on? */
typedef uint32_t zx_obj_props_t;
#define ZX_OBJ_PROP_NONE ((zx_obj_props_t)0u)
#define ZX_OBJ_PROP_WAITABLE ((zx_obj_props_t)1u)

typedef struct zx_info_handle_basic {
    zx_koid_t koid;
    zx_rights_t rights; /* of the handle asked about, not of others to the same object */
    zx_obj_type_t type;
    zx_koid_t related_koid; /* process: its job. thread: its process. job: its parent. channel: the other end */
    zx_obj_props_t props;
    uint8_t padding1[4];
} zx_info_handle_basic_t;

typedef struct zx_info_process {
    int64_t return_code; /* once exited: what it gave to process_exit, or a ZX_TASK_RETCODE_* */
    bool started;
    bool exited;
    bool debugger_attached;
    uint8_t padding1[5];
} zx_info_process_t;

typedef struct zx_info_vmar {
    uintptr_t base;
    size_t len;
} zx_info_vmar_t;

/* The return code of a process that did not exit by itself. */
#define ZX_TASK_RETCODE_SYSCALL_KILL ((int64_t)-1024)   /* task_kill */
#define ZX_TASK_RETCODE_EXCEPTION_KILL ((int64_t)-1028) /* it did what it could not, and nobody handled that */

/* Properties, by id. */
#define ZX_PROP_REGISTER_GS ((uint32_t)2u) /* uint64_t, of the calling thread: the base of its GS segment */
#define ZX_PROP_REGISTER_FS ((uint32_t)4u) /* uint64_t, of the calling thread: the base of its FS segment */

__END_CDECLS
