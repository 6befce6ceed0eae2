/* SPDX-License-Identifier: MIT */
/* atomics.h - what threads share; plain variables where one thread is all. */
#ifndef UPF_ATOMICS_H
#define UPF_ATOMICS_H

/*
 * UPF_NO_ATOMICS says that one thread uses the library. It is so by itself
 * where the compiler has no atomics, or none without a lock: small processors
 * (a Cortex-M0), for which each would be a call that nobody defines.
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

/* Whoever makes it 0 sees all that the others did before. Returns what it was,
 * as upf_atomic_increment() does. */
#define upf_atomic_decrement(object) \
    atomic_fetch_sub_explicit(object, 1, memory_order_acq_rel)

/* If it is *expected, make it `value`; otherwise *expected is what it is. What
 * was written before is seen by who finds `value`. */
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
