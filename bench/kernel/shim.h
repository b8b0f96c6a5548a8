/* SPDX-License-Identifier: MIT */
/*
 * As much of a kernel as drivers/iommu/iova.c and lib/rbtree.c of Linux need to be compiled for a
 * process: one CPU, no interrupts, nothing delayed. Stands for every header that they include but
 * those of the tree and of the allocator itself.
 *
 * What costs time in the kernel costs no more here: a lock is one locked instruction and a plain
 * store, interrupts are not turned off, objects come from a plain list of free ones.
 */
#ifndef SHIM_H
#define SHIM_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The compiler. */

#define __percpu
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define rcu_dereference_raw READ_ONCE
#define rcu_assign_pointer(p, value) __atomic_store_n(&(p), (value), __ATOMIC_RELEASE)
#define static_assert _Static_assert
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define MODULE_AUTHOR(text)
#define MODULE_DESCRIPTION(text)
#define MODULE_LICENSE(text)
#define IS_REACHABLE(option) 1
#define typeof __typeof__
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define BUG_ON(wrong) ((wrong) ? abort() : (void)0)
#define WARN_ON(wrong) shim_warn_on(wrong)
#define pr_err(...) fprintf(stderr, "iova.c failed\n")
#define ERR_PTR(err) ((void *)(long)(err))

static inline bool shim_warn_on(bool wrong)
{
	if (wrong)
		abort();
	return false;
}

/* Numbers. */

#define PAGE_SIZE 4096UL
#define min(a, b) ((a) < (b) ? (a) : (b))
#define swap(a, b)                           \
	do {                                 \
		__typeof__(a) swapped = (a); \
                                             \
		(a) = (b);                   \
		(b) = swapped;               \
	} while (0)
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN(x, a) ALIGN_DOWN((x) + (a)-1, a)

typedef uint64_t dma_addr_t;
typedef unsigned int gfp_t;

static inline unsigned long __ffs(unsigned long x)
{
	return (unsigned long)__builtin_ctzl(x);
}

static inline unsigned int fls_long(unsigned long x)
{
	return x ? 64 - (unsigned int)__builtin_clzl(x) : 0;
}

static inline bool is_power_of_2(unsigned long x)
{
	return x && !(x & (x - 1));
}

static inline unsigned int order_base_2(unsigned long x)
{
	return x > 1 ? fls_long(x - 1) : 0;
}

static inline unsigned long roundup_pow_of_two(unsigned long x)
{
	return 1UL << order_base_2(x);
}

/* Locks. */

typedef struct {
	unsigned char taken;
} spinlock_t;

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->taken = 0;
}

static inline void spin_lock(spinlock_t *lock)
{
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#define spin_lock_irqsave(lock, flags) ((flags) = 0, spin_lock(lock))
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), spin_unlock(lock))
#define assert_spin_locked(lock) ((void)(lock))
#define DEFINE_MUTEX(name) spinlock_t name
#define mutex_lock spin_lock
#define mutex_unlock spin_unlock

/* Memory. */

#define GFP_KERNEL 0U
#define GFP_ATOMIC 0U
#define __GFP_NOWARN 0U
#define SLAB_HWCACHE_ALIGN 0U
#define kmemleak_transient_leak(ptr) ((void)(ptr))
#define kcalloc(cnt, size, flags) calloc(cnt, size)
#define kfree(ptr) free(ptr)
#define cache_line_size() 64

struct kmem_cache {
	size_t size;
	void *free; /* each begins with a pointer to the next */
};

struct kmem_cache *shim_cache_create(size_t size);
void shim_cache_refill(struct kmem_cache *cache);

#define kmem_cache_create(name, size, align, flags, constructor) shim_cache_create(size)
#define kmem_cache_destroy(cache) free(cache)

static inline void *shim_cache_alloc(struct kmem_cache *cache)
{
	void *object;

	if (unlikely(!cache->free))
		shim_cache_refill(cache);
	object = cache->free;
	memcpy(&cache->free, object, sizeof(cache->free));
	return object;
}

static inline void kmem_cache_free(struct kmem_cache *cache, void *object)
{
	memcpy(object, &cache->free, sizeof(cache->free));
	cache->free = object;
}

#define kmem_cache_alloc(cache, flags) ((void)(flags), shim_cache_alloc(cache))
#define kmem_cache_zalloc(cache, flags) memset(shim_cache_alloc(cache), 0, (cache)->size)

/* The one CPU. */

#define num_online_cpus() 1U
#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define for_each_online_cpu(cpu) for_each_possible_cpu(cpu)
#define __alloc_percpu(size, align) calloc(1, ((size) + (align)-1) / (align) * (align))
#define free_percpu(ptr) free(ptr)
#define per_cpu_ptr(ptr, cpu) ((void)(cpu), (ptr))
#define raw_cpu_ptr(ptr) (ptr)

struct hlist_node {
	struct hlist_node *next;
};

#define hlist_entry_safe(ptr, type, member) ((ptr) ? container_of(ptr, type, member) : NULL)
#define CPUHP_IOMMU_IOVA_DEAD 0
#define cpuhp_setup_state_multi(state, name, up, down) ((void)(down), 0)
#define cpuhp_remove_multi_state(state) ((void)0)
#define cpuhp_state_add_instance_nocalls(state, node) ((void)(node), 0)
#define cpuhp_state_remove_instance_nocalls(state, node) ((void)(node))

/* What would be done later never is. */

struct work_struct {
	char unused;
};

struct delayed_work {
	struct work_struct work;
};

#define INIT_DELAYED_WORK(delayed, function) ((void)(delayed), (void)(function))
#define schedule_delayed_work(delayed, delay) ((void)(delayed))
#define cancel_delayed_work_sync(delayed) ((void)(delayed))
#define msecs_to_jiffies(ms) (ms)

#endif
