/* SPDX-License-Identifier: MIT */
/* atomics.h - atomics and thread-local storage; plain variables in a build for
 * one thread. */
#ifndef UPF_ATOMICS_H
#define UPF_ATOMICS_H

/*
 * UPF_NO_ATOMICS says that only one thread uses the library. It is defined here
 * if the compiler has no atomics, or none without a lock. For small processors
 * (a Cortex-M0) the compiler turns each atomic operation into a call of a
 * function that nobody defines.
 */
#ifdef __STDC_NO_ATOMICS__
#ifndef UPF_NO_ATOMICS
#define UPF_NO_ATOMICS
#endif
#endif

#ifndef UPF_NO_ATOMICS
#include <stdatomic.h>
#if ATOMIC_INT_LOCK_FREE != 2 || ATOMIC_POINTER_LOCK_FREE != 2
#define UPF_NO_ATOMICS
#endif
#endif

#ifndef UPF_NO_ATOMICS

#define UPF_ATOMIC(type) _Atomic(type)
#define UPF_THREAD_LOCAL _Thread_local

#define upf_atomic_load(object) \
    atomic_load_explicit(object, memory_order_relaxed)
#define upf_atomic_store(object, value) \
    atomic_store_explicit(object, value, memory_order_relaxed)
#define upf_atomic_increment(object) \
    atomic_fetch_add_explicit(object, 1, memory_order_relaxed)

/* Returns the old value, as upf_atomic_increment() does. The thread that gets 1
 * has brought the object to 0, and sees all that the others did before. */
#define upf_atomic_decrement(object) \
    atomic_fetch_sub_explicit(object, 1, memory_order_acq_rel)

/*
 * If the object equals *expected, set it to `value` and return true. Otherwise
 * set *expected to the object's value and return false. A thread that reads
 * `value` with upf_atomic_load_seen() also sees all that was written before.
 */
#define upf_atomic_exchange_if(object, expected, value) \
    atomic_compare_exchange_strong(object, expected, value)
#define upf_atomic_load_seen(object) \
    atomic_load_explicit(object, memory_order_acquire)

#else

#define UPF_ATOMIC(type) type
#define UPF_THREAD_LOCAL

#define upf_atomic_load(object)         (*(object))
#define upf_atomic_load_seen(object)    (*(object))
#define upf_atomic_store(object, value) ((void)(*(object) = (value)))
#define upf_atomic_increment(object)    ((*(object))++)
#define upf_atomic_decrement(object)    ((*(object))--)
#define upf_atomic_exchange_if(object, expected, value) \
    (*(object) == *(expected) ? (*(object) = (value), true) \
                              : (*(expected) = *(object), false))

#endif
#endif
