/*
 * Handles as C++ objects: each owns one handle, closes it when it ends, and can be moved but not copied.
 *
 * `object<T>` has the calls that any object answers; a class T of its own has those of its type. Nothing throws: a call
 * returns its status, and what it makes is stored in the object that a pointer leads to, whose handle is closed before.
 * An `unowned<T>` is a handle that somebody else owns, seen as a T.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <zircon/syscalls.h>
#include <zircon/syscalls/object.h>
#include <zircon/syscalls/port.h>
#include <zx/time.h>

namespace zx {

class handle;
class port;

/* A handle that is owned, whatever it is to. */
class object_base {
  public:
    object_base(const object_base &) = delete;
    object_base &operator=(const object_base &) = delete;

    void reset(zx_handle_t value = ZX_HANDLE_INVALID) {
        zx_handle_t old = value_;
        value_ = value;
        if (old != ZX_HANDLE_INVALID) zx_handle_close(old);
    }

    bool is_valid() const { return value_ != ZX_HANDLE_INVALID; }
    explicit operator bool() const { return is_valid(); }

    zx_handle_t get() const { return value_; }

    /* For a call that writes a handle there. */
    zx_handle_t *reset_and_get_address() {
        reset();
        return &value_;
    }

    /* It is the caller's from now on. */
    __WARN_UNUSED_RESULT zx_handle_t release() {
        zx_handle_t old = value_;
        value_ = ZX_HANDLE_INVALID;
        return old;
    }

    zx_status_t get_info(uint32_t topic, void *buffer, size_t buffer_size, size_t *actual_count,
                         size_t *avail_count) const {
        return zx_object_get_info(get(), topic, buffer, buffer_size, actual_count, avail_count);
    }

    zx_status_t get_property(uint32_t property, void *value, size_t size) const {
        return zx_object_get_property(get(), property, value, size);
    }

    zx_status_t set_property(uint32_t property, const void *value, size_t size) const {
        return zx_object_set_property(get(), property, value, size);
    }

  protected:
    constexpr object_base() : value_(ZX_HANDLE_INVALID) {}
    explicit object_base(zx_handle_t value) : value_(value) {}
    ~object_base() { reset(); }

    zx_handle_t value_;
};

template <typename T> class object : public object_base {
  public:
    constexpr object() = default;
    explicit object(zx_handle_t value) : object_base(value) {}
    object(object &&other) : object_base(other.release()) {}
    object &operator=(object &&other) {
        reset(other.release());
        return *this;
    }

    void swap(object &other) {
        zx_handle_t value = value_;
        value_ = other.value_;
        other.value_ = value;
    }

    zx_status_t duplicate(zx_rights_t rights, object<T> *result) const {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_handle_duplicate(get(), rights, &made);
        result->reset(made);
        return status;
    }

    /* The handle is consumed in any case; `result` may be the object itself. */
    zx_status_t replace(zx_rights_t rights, object<T> *result) {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_handle_replace(release(), rights, &made);
        result->reset(made);
        return status;
    }

    zx_status_t wait_one(zx_signals_t signals, time deadline, zx_signals_t *pending) const {
        return zx_object_wait_one(get(), signals, deadline.get(), pending);
    }

    /* A template, for ports are objects themselves. */
    template <typename Port>
    zx_status_t wait_async(const Port &port, uint64_t key, zx_signals_t signals, uint32_t options) const {
        return zx_object_wait_async(get(), port.get(), key, signals, options);
    }

    static zx_status_t wait_many(zx_wait_item_t *items, uint32_t count, time deadline) {
        return zx_object_wait_many(items, count, deadline.get());
    }

    zx_status_t signal(uint32_t clear_mask, uint32_t set_mask) const {
        return zx_object_signal(get(), clear_mask, set_mask);
    }

    zx_status_t signal_peer(uint32_t clear_mask, uint32_t set_mask) const {
        return zx_object_signal_peer(get(), clear_mask, set_mask);
    }

    template <typename Child> zx_status_t get_child(uint64_t koid, zx_rights_t rights, Child *result) const {
        zx_handle_t made = ZX_HANDLE_INVALID;
        zx_status_t status = zx_object_get_child(get(), koid, rights, &made);
        result->reset(made);
        return status;
    }
};

/* Somebody else's handle, which has to stay as long as this is used. */
template <typename T> class unowned final {
  public:
    unowned() = default;
    explicit unowned(zx_handle_t value) : value_(value) {}
    unowned(const T &owner) : value_(owner.get()) {}
    unowned(const unowned &other) : value_(other.value_.get()) {}
    unowned(unowned &&other) : value_(other.value_.release()) {}
    ~unowned() { drop(); }
    unowned &operator=(const unowned &other) {
        zx_handle_t value = other.value_.get();
        drop();
        value_ = T(value);
        return *this;
    }
    unowned &operator=(unowned &&other) {
        zx_handle_t value = other.value_.release();
        drop();
        value_ = T(value);
        return *this;
    }

    const T &operator*() const { return value_; }
    const T *operator->() const { return &value_; }
    explicit operator bool() const { return value_.is_valid(); }

  private:
    void drop() {
        zx_handle_t value = value_.release();
        (void)value;
    }

    T value_;
};

/* Handles compare by their values, with bare ones too. */
#define ZX_COMPARED_BY(op)                                                                                        \
    template <typename T> bool operator op(const object<T> &a, const object<T> &b) { return a.get() op b.get(); } \
    template <typename T> bool operator op(const object<T> &a, zx_handle_t b) { return a.get() op b; }            \
    template <typename T> bool operator op(zx_handle_t a, const object<T> &b) { return a op b.get(); }            \
    template <typename T> bool operator op(const unowned<T> &a, const unowned<T> &b) { return a->get() op b->get(); }
ZX_COMPARED_BY(==)
ZX_COMPARED_BY(!=)
ZX_COMPARED_BY(<)
ZX_COMPARED_BY(>)
ZX_COMPARED_BY(<=)
ZX_COMPARED_BY(>=)
#undef ZX_COMPARED_BY

} // namespace zx
