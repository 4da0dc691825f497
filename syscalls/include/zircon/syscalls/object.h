/* Topics and records of object_get_info, properties of objects, and the return codes of tasks. */
#pragma once

#include <zircon/types.h>

__BEGIN_CDECLS

/* Topics of object_get_info, each with the right it needs and the struct it fills in. */
typedef uint32_t zx_object_info_topic_t;
#define ZX_INFO_NONE ((zx_object_info_topic_t)0u)
#define ZX_INFO_HANDLE_VALID ((zx_object_info_topic_t)1u)    /* no right, nothing filled in: is this a handle? */
#define ZX_INFO_HANDLE_BASIC ((zx_object_info_topic_t)2u)    /* no right; zx_info_handle_basic_t */
#define ZX_INFO_PROCESS ((zx_object_info_topic_t)3u)         /* INSPECT; zx_info_process_t */
#define ZX_INFO_PROCESS_THREADS ((zx_object_info_topic_t)4u) /* ENUMERATE; as many zx_koid_t as fit, of running ones */
#define ZX_INFO_VMAR ((zx_object_info_topic_t)7u)            /* INSPECT; zx_info_vmar_t */
#define ZX_INFO_JOB_CHILDREN ((zx_object_info_topic_t)8u)    /* ENUMERATE; as many zx_koid_t as fit */
#define ZX_INFO_JOB_PROCESSES ((zx_object_info_topic_t)9u)   /* ENUMERATE; as many zx_koid_t as fit */
#define ZX_INFO_THREAD ((zx_object_info_topic_t)10u)         /* INSPECT; zx_info_thread_t */
#define ZX_INFO_THREAD_EXCEPTION_REPORT ((zx_object_info_topic_t)11u) /* INSPECT; zx_exception_report_t */
#define ZX_INFO_TASK_STATS ((zx_object_info_topic_t)12u)              /* INSPECT, on a process; zx_info_task_stats_t */
#define ZX_INFO_PROCESS_MAPS ((zx_object_info_topic_t)13u)            /* INSPECT; as many zx_info_maps_t as fit */
#define ZX_INFO_PROCESS_VMOS ((zx_object_info_topic_t)14u)            /* INSPECT; as many zx_info_vmo_t as fit */
#define ZX_INFO_THREAD_STATS ((zx_object_info_topic_t)15u)            /* INSPECT; zx_info_thread_stats_t */
#define ZX_INFO_KMEM_STATS ((zx_object_info_topic_t)17u)              /* the root resource; zx_info_kmem_stats_t */
#define ZX_INFO_RESOURCE ((zx_object_info_topic_t)18u)                /* INSPECT; zx_info_resource_t */
#define ZX_INFO_HANDLE_COUNT ((zx_object_info_topic_t)19u)            /* INSPECT; zx_info_handle_count_t */
#define ZX_INFO_PROCESS_HANDLE_STATS ((zx_object_info_topic_t)21u)    /* INSPECT; zx_info_process_handle_stats_t */
#define ZX_INFO_VMO ((zx_object_info_topic_t)23u)                     /* no right; zx_info_vmo_t */
#define ZX_INFO_JOB ((zx_object_info_topic_t)24u)                     /* INSPECT; zx_info_job_t */
#define ZX_INFO_JOB_LIMITS ((zx_object_info_topic_t)0x4a000000u)      /* INSPECT; zx_info_job_limits_t */

/* Can this object be waited on? */
typedef uint32_t zx_obj_props_t;
#define ZX_OBJ_PROP_NONE ((zx_obj_props_t)0u)
#define ZX_OBJ_PROP_WAITABLE ((zx_obj_props_t)1u)

typedef struct zx_info_handle_basic {
    zx_koid_t koid;
    zx_rights_t rights; /* of the handle asked about, not of others to the same object */
    zx_obj_type_t type;
    zx_koid_t related_koid; /* a process's job, a thread's process, a job's parent, a channel's or event's other end */
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

typedef struct zx_info_job {
    int64_t return_code; /* once exited: a ZX_TASK_RETCODE_* */
    bool exited;         /* it was killed, and all in it is dead */
    bool kill_on_oom;
    bool debugger_attached;
    uint8_t padding1[5];
} zx_info_job_t;

/* Of one kind, by the job and all jobs below it. */
typedef struct zx_job_limit {
    uint64_t used;
    uint64_t limit; /* the least of the job's own and its ancestors'; ZX_JOB_UNLIMITED: none has one */
    uint64_t peak;  /* the most that was ever used at once */
} zx_job_limit_t;

#define ZX_JOB_UNLIMITED UINT64_MAX

typedef struct zx_info_job_limits {
    zx_job_limit_t memory;  /* bytes, in whole pages: all memory that its processes caused to be used */
    zx_job_limit_t handles; /* of its processes, and in messages that they wrote */
    zx_job_limit_t threads; /* of its processes, as long as the object is there; as the next two */
    zx_job_limit_t processes;
    zx_job_limit_t jobs; /* below it */
} zx_info_job_limits_t;

/* What a thread does. BLOCKED is told only with the call that it waits in. */
typedef uint32_t zx_thread_state_t;
#define ZX_THREAD_STATE_NEW ((zx_thread_state_t)0u) /* not started */
#define ZX_THREAD_STATE_RUNNING ((zx_thread_state_t)1u)
#define ZX_THREAD_STATE_SUSPENDED ((zx_thread_state_t)2u)
#define ZX_THREAD_STATE_BLOCKED ((zx_thread_state_t)3u)
#define ZX_THREAD_STATE_DYING ((zx_thread_state_t)4u)
#define ZX_THREAD_STATE_DEAD ((zx_thread_state_t)5u)
#define ZX_THREAD_STATE_BLOCKED_EXCEPTION ((zx_thread_state_t)0x103u)
#define ZX_THREAD_STATE_BLOCKED_SLEEPING ((zx_thread_state_t)0x203u)
#define ZX_THREAD_STATE_BLOCKED_FUTEX ((zx_thread_state_t)0x303u)
#define ZX_THREAD_STATE_BLOCKED_PORT ((zx_thread_state_t)0x403u)
#define ZX_THREAD_STATE_BLOCKED_CHANNEL ((zx_thread_state_t)0x503u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_ONE ((zx_thread_state_t)0x603u)
#define ZX_THREAD_STATE_BLOCKED_WAIT_MANY ((zx_thread_state_t)0x703u)
#define ZX_THREAD_STATE_BLOCKED_INTERRUPT ((zx_thread_state_t)0x803u)
#define ZX_THREAD_STATE_BLOCKED_PAGER ((zx_thread_state_t)0x903u)
#define ZX_THREAD_STATE_BASIC(state) ((state)&0xffu)

/* A set of processors, by number. */
#define ZX_CPU_SET_MAX_CPUS 512
#define ZX_CPU_SET_BITS_PER_WORD 64
typedef struct zx_cpu_set {
    uint64_t mask[ZX_CPU_SET_MAX_CPUS / ZX_CPU_SET_BITS_PER_WORD];
} zx_cpu_set_t;

typedef struct zx_info_thread {
    zx_thread_state_t state;
    union {
        uint32_t wait_exception_channel_type; /* who handles the exception it is in; 0: none */
        uint32_t wait_exception_port_type;    /* the same by its older name */
    };
    zx_cpu_set_t cpu_affinity_mask; /* where it may run: everywhere */
} zx_info_thread_t;

typedef struct zx_info_thread_stats {
    zx_duration_t total_runtime;
} zx_info_thread_stats_t;

typedef struct zx_info_vmar {
    uintptr_t base;
    size_t len;
} zx_info_vmar_t;

typedef struct zx_info_handle_count {
    uint32_t handle_count; /* those in channel messages included */
} zx_info_handle_count_t;

typedef struct zx_info_process_handle_stats {
    uint32_t handle_count[ZX_OBJ_TYPE_UPPER_BOUND]; /* of the process's handles, by the type of their objects */
} zx_info_process_handle_stats_t;

/* Bytes; committed memory only, but for the first. */
typedef struct zx_info_task_stats {
    size_t mem_mapped_bytes;        /* the sizes of all mappings */
    size_t mem_private_bytes;       /* mapped by this process alone */
    size_t mem_shared_bytes;        /* mapped by others too … */
    size_t mem_scaled_shared_bytes; /* … each byte divided by how many map it */
} zx_info_task_stats_t;

typedef uint32_t zx_info_maps_type_t;
#define ZX_INFO_MAPS_TYPE_NONE ((zx_info_maps_type_t)0u)
#define ZX_INFO_MAPS_TYPE_ASPACE ((zx_info_maps_type_t)1u)
#define ZX_INFO_MAPS_TYPE_VMAR ((zx_info_maps_type_t)2u)
#define ZX_INFO_MAPS_TYPE_MAPPING ((zx_info_maps_type_t)3u)
#define ZX_INFO_MAPS_TYPE_LAST ((zx_info_maps_type_t)4u) /* all are below */

typedef struct zx_info_maps_mapping {
    uint32_t mmu_flags; /* ZX_VM_PERM_* */
    uint8_t padding1[4];
    zx_koid_t vmo_koid;
    uint64_t vmo_offset;
    size_t committed_pages; /* of the VMO, in the mapped range */
} zx_info_maps_mapping_t;

/* Parents come before their children, siblings in ascending order. */
typedef struct zx_info_maps {
    char name[ZX_MAX_NAME_LEN];
    zx_vaddr_t base;
    size_t size;
    size_t depth; /* 0: the address space, 1: its root VMAR */
    zx_info_maps_type_t type;
    uint8_t padding1[4];
    union {
        zx_info_maps_mapping_t mapping;
    } u;
} zx_info_maps_t;

#define ZX_INFO_VMO_TYPE(flags) ((flags) & (1u << 0))
#define ZX_INFO_VMO_TYPE_PAGED (1u << 0)
#define ZX_INFO_VMO_TYPE_PHYSICAL (0u << 0)
#define ZX_INFO_VMO_RESIZABLE (1u << 1)
#define ZX_INFO_VMO_IS_COW_CLONE (1u << 2)
#define ZX_INFO_VMO_VIA_HANDLE (1u << 3)
#define ZX_INFO_VMO_VIA_MAPPING (1u << 4)
#define ZX_INFO_VMO_CONTIGUOUS (1u << 6)

typedef struct zx_info_vmo {
    zx_koid_t koid;
    char name[ZX_MAX_NAME_LEN];
    uint64_t size_bytes;
    zx_koid_t parent_koid; /* 0: not a child */
    size_t num_children;
    size_t num_mappings;
    size_t share_count; /* how many processes map it, but at least 1 */
    uint32_t flags;     /* ZX_INFO_VMO_*; one VIA flag says how the VMO was found */
    uint8_t padding1[4];
    uint64_t committed_bytes;
    zx_rights_t handle_rights; /* if found by a handle */
    uint32_t cache_policy;     /* ZX_CACHE_POLICY_* */
} zx_info_vmo_t;

/* Bytes of physical memory, and what they are used for. */
typedef struct zx_info_kmem_stats {
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t wired_bytes; /* the kernel's image and its records of memory */
    uint64_t total_heap_bytes;
    uint64_t free_heap_bytes;
    uint64_t vmo_bytes;
    uint64_t mmu_overhead_bytes;
    uint64_t ipc_bytes; /* counted as heap */
    uint64_t other_bytes;
} zx_info_kmem_stats_t;

typedef struct zx_info_resource {
    uint32_t kind;  /* ZX_RSRC_KIND_*, <zircon/syscalls/resource.h> */
    uint32_t flags; /* ZX_RSRC_FLAG_* */
    uint64_t base;
    size_t size; /* 0: it has no range */
    char name[ZX_MAX_NAME_LEN];
} zx_info_resource_t;

/* The return code of a process that did not exit by itself. */
#define ZX_TASK_RETCODE_SYSCALL_KILL ((int64_t)-1024)          /* task_kill */
#define ZX_TASK_RETCODE_OOM_KILL ((int64_t)-1025)              /* memory was short */
#define ZX_TASK_RETCODE_POLICY_KILL ((int64_t)-1026)           /* its job's policy */
#define ZX_TASK_RETCODE_VDSO_KILL ((int64_t)-1027)             /* never here, where there is no vDSO */
#define ZX_TASK_RETCODE_EXCEPTION_KILL ((int64_t)-1028)        /* an exception that was not handled */
#define ZX_TASK_RETCODE_CRITICAL_PROCESS_KILL ((int64_t)-1029) /* never here, where no process is critical */

/* Properties, by id. */
#define ZX_PROP_REGISTER_GS ((uint32_t)2u) /* uint64_t, of the calling thread: the base of its GS segment */
#define ZX_PROP_NAME ((uint32_t)3u)        /* text of up to ZX_MAX_NAME_LEN - 1 bytes */
#define ZX_PROP_REGISTER_FS ((uint32_t)4u) /* uint64_t, of the calling thread: the base of its FS segment */
#define ZX_PROP_PROCESS_DEBUG_ADDR \
    ((uint32_t)5u) /* uintptr_t: where a debugger finds what a process has loaded; set once by its loader */
#define ZX_PROP_PROCESS_VDSO_BASE_ADDRESS ((uint32_t)6u) /* uintptr_t, which can only be got: 0, there is no vDSO */
#define ZX_PROP_JOB_KILL_ON_OOM ((uint32_t)15u)          /* size_t, which can only be set: 1, or 0 */
/* uint64_t, of a job: its own limit. To set it takes ZX_RIGHT_SET_POLICY too. */
#define ZX_PROP_JOB_LIMIT_MEMORY ((uint32_t)0x4a000000u) /* bytes; what is less than a page does not count */
#define ZX_PROP_JOB_LIMIT_HANDLES ((uint32_t)0x4a000001u)
#define ZX_PROP_JOB_LIMIT_THREADS ((uint32_t)0x4a000002u)
#define ZX_PROP_JOB_LIMIT_PROCESSES ((uint32_t)0x4a000003u)
#define ZX_PROP_JOB_LIMIT_JOBS ((uint32_t)0x4a000004u)
#define ZX_PROP_EXCEPTION_STATE ((uint32_t)16u)    /* uint32_t, of an exception: a ZX_EXCEPTION_STATE_* */
#define ZX_PROP_EXCEPTION_STRATEGY ((uint32_t)18u) /* the same: a ZX_EXCEPTION_STRATEGY_* */

/* What becomes of a thread when the handle to its exception is closed. */
#define ZX_EXCEPTION_STATE_TRY_NEXT ((uint32_t)0u) /* the next handler is asked */
#define ZX_EXCEPTION_STATE_HANDLED ((uint32_t)1u)  /* it resumes, at the same instruction */
#define ZX_EXCEPTION_STATE_THREAD_EXIT ((uint32_t)2u)

/* How often a process's debugger is asked. */
#define ZX_EXCEPTION_STRATEGY_FIRST_CHANCE ((uint32_t)0u)
#define ZX_EXCEPTION_STRATEGY_SECOND_CHANCE ((uint32_t)1u) /* once more, after the process's own handler */

/* The one value of ZX_PROP_PROCESS_DEBUG_ADDR that may be replaced: a debugger wants the process to stop then. */
#define ZX_PROCESS_DEBUG_ADDR_BREAK_ON_SET ((uintptr_t)1u)

__END_CDECLS
