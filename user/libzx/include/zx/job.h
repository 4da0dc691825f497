/*
 * Jobs.
 */
#pragma once

#include <zircon/process.h>
#include <zircon/syscalls.h>
#include <zx/task.h>

namespace zx {

class job final : public task<job> {
  public:
    static constexpr zx_obj_type_t TYPE = ZX_OBJ_TYPE_JOB;

    constexpr job() = default;
    explicit job(zx_handle_t value) : task(value) {}
    explicit job(handle &&other) : task(other.release()) {}
    job(job &&other) : task(other.release()) {}
    job &operator=(job &&other) {
        reset(other.release());
        return *this;
    }

    static zx_status_t create(const job &parent, uint32_t options, job *result) {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_job_create(parent.get(), options, &made);
        result->reset(made);
        return status;
    }

    zx_status_t set_policy(uint32_t options, uint32_t topic, const void *policy, uint32_t count) const {
        return zx_job_set_policy(get(), options, topic, policy, count);
    }

    /* The one that new processes are made in. */
    static unowned<job> default_job() { return unowned<job>(zx_job_default()); }
};

using unowned_job = unowned<job>;

} // namespace zx
