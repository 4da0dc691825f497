/* Sets of members; see members.h. */
#include "kernel/object/members.h"

#include "kernel/base/compiler.h"

static int member_compare(const struct member *a, const struct member *b) {
    return a->koid < b->koid ? -1 : a->koid > b->koid;
}

RB_GENERATE_INTERNAL(member_tree, member, node, member_compare, UNUSED static)

void members_init(struct members *members, struct mutex *lock) {
    members->lock = lock;
    RB_INIT(&members->tree);
}

bool members_empty(const struct members *members) { return RB_EMPTY(&members->tree); }

void members_add(struct members *members, struct member *member, struct object *object) {
    mutex_assert_held(members->lock);
    member->object = object;
    member->koid = object->koid;
    RB_INSERT(member_tree, &members->tree, member);
}

void members_remove(struct members *members, struct member *member) {
    mutex_assert_held(members->lock);
    RB_REMOVE(member_tree, &members->tree, member);
}

struct member *members_above(struct members *members, zx_koid_t koid) {
    struct member bound = {.koid = koid + 1};
    mutex_assert_held(members->lock);
    return bound.koid == 0 ? NULL : RB_NFIND(member_tree, &members->tree, &bound);
}

struct member *members_after(struct member *member) {
    return RB_NEXT(member_tree, NULL, member);
}

struct object *members_next(struct members *members, zx_koid_t *koid, zx_koid_t last) {
    mutex_lock(members->lock);
    const struct member *member = members_above(members, *koid);
    if (member && member->koid > last) member = NULL;
    if (member) {
        object_ref(member->object);
        *koid = member->koid;
    }
    mutex_unlock(members->lock);
    return member ? member->object : NULL;
}

struct object *members_find(struct members *members, zx_koid_t koid) {
    mutex_lock(members->lock);
    const struct member *member = RB_FIND(member_tree, &members->tree, &(struct member){.koid = koid});
    if (member) {
        object_ref(member->object);
        object_handle_ref(member->object);
    }
    mutex_unlock(members->lock);
    return member ? member->object : NULL;
}

size_t members_koids(struct members *members, zx_koid_t above, zx_koid_t last, zx_koid_t *koids, size_t room) {
    size_t count = 0;
    mutex_lock(members->lock);
    struct member *member = members_above(members, above);
    for (; member && member->koid <= last && count < room; member = members_after(member))
        koids[count++] = member->koid;
    mutex_unlock(members->lock);
    return count;
}
