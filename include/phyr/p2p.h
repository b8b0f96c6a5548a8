/* SPDX-License-Identifier: MIT */
/**
 * @file
 * @brief Peers: which BAR a physical range belongs to, and how a client device may reach it.
 *
 * A registry, struct phyr_p2p, holds the topology of a machine (host bridges, what hangs below
 * them) and its *providers*: BARs, each of one function. A *client* is a device that wants to
 * reach them, seen by one thread; struct phyr_p2p_client remembers what was asked last.
 *
 * **Where.** Every address lies in exactly one *stretch*: a BAR, or the memory between two BARs,
 * up to their borders. BARs that touch are two stretches. A range may be asked for as a whole
 * (find), or cut at the borders (split).
 *
 * **How.** From provider A to client B: the nodes from A up to the first one that is also above B
 * (or is B), and those from B up to it. If there is such a node and nothing on the way redirects,
 * the client uses the BAR's bus address, past the IOMMU. Otherwise the host bridge has to forward
 * it. A node redirects when its ACS bits RR, CR or EC are set; A, B and the common node count as
 * well, since functions of one device can redirect among themselves. Host bridges are not part of
 * the way.
 *
 * **Changes.** Nodes, ACS bits and providers are changed by one thread while nobody else calls;
 * what clients remember is thereby void, and no call answers from before the change. A user of a
 * provider, embedded in what maps it, is told to let go before the provider is removed. The ids of
 * providers are never used twice.
 *
 * Not here: mapping (dma.h), what real host bridges forward (phyrsim/linux.h).
 */
#ifndef PHYR_P2P_H
#define PHYR_P2P_H

#include <phyr/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The topology and the providers of a machine; opaque. */
struct phyr_p2p;

/** A client device as one thread sees it; opaque. */
struct phyr_p2p_client;

/** How a client reaches memory. */
enum phyr_p2p_type {
	PHYR_P2P_NONE = 0,	  /**< no provider's: ordinary memory */
	PHYR_P2P_UNSUPPORTED = 1, /**< the client cannot reach it */
	PHYR_P2P_BUS = 2,	  /**< by bus address, past the IOMMU: phyr_p2p_bus() */
	PHYR_P2P_BRIDGE = 3,	  /**< through the host bridge: mapped like memory, as MMIO */
	PHYR_P2P_OWN = 4,	  /**< the client's own BAR; by bus address too, as PHYR_P2P_BUS */
};

/** Bits of a function's ACS control register, as the hardware has them. */
enum phyr_p2p_acs {
	PHYR_P2P_ACS_SV = 0x01, /**< source validation */
	PHYR_P2P_ACS_TB = 0x02, /**< translation blocking */
	PHYR_P2P_ACS_RR = 0x04, /**< request redirect: counts */
	PHYR_P2P_ACS_CR = 0x08, /**< completion redirect: counts */
	PHYR_P2P_ACS_UF = 0x10, /**< upstream forwarding */
	PHYR_P2P_ACS_EC = 0x20, /**< egress control: counts */
	PHYR_P2P_ACS_DT = 0x40, /**< direct translated */
};

/** What a host bridge forwards of what peers send each other. */
enum phyr_p2p_forward {
	PHYR_P2P_FORWARD_NOTHING = 0, /**< nothing, or nobody knows */
	PHYR_P2P_FORWARD_WITHIN = 1,  /**< between what hangs below it */
	PHYR_P2P_FORWARD_ACROSS = 2,  /**< and to and from other bridges that do so */
};

/** A node to add: a host bridge, or a port, bridge or function below another node. */
struct phyr_p2p_node {
	uint32_t parent;	       /**< [id] the node above; 0: this is a host bridge */
	enum phyr_p2p_forward forward; /**< of a host bridge; else 0 */
	uint16_t acs; /**< [enum phyr_p2p_acs] ACS control register; of a host bridge 0 */
};

/** A provider: one BAR. */
struct phyr_p2p_bar {
	struct phyr_range range; /**< as the CPU sees it; any bytes */
	uint64_t bus_offset;	 /**< [bytes, mod 2^64] bus address − CPU address */
	uint32_t owner;		 /**< [node id] whose BAR it is; no host bridge */
};

/** Several ids, of nodes or of providers. */
struct phyr_p2p_ids {
	const uint32_t *ids; /**< not looked at when cnt is 0 */
	size_t cnt;	     /**< how many; one may occur more than once */
};

/** Somebody's use of a provider; embedded in what maps it, all-zero before its first use. */
struct phyr_p2p_user {
	struct phyr_p2p_user *next;	 /**< private: in the provider's list */
	struct phyr_p2p_user **link;	 /**< private: what points here */
	struct phyr_p2p_provider *place; /**< private: NULL when not attached */
	uint32_t provider;		 /**< [id] set by phyr_p2p_attach(); 0 when not attached */
	/** Set by the owner: told that the provider goes, stops the use and detaches the user. */
	void (*revoke)(struct phyr_p2p_user *user);
};

/** What a client's calls did. */
struct phyr_p2p_stats {
	uint64_t lookup_cnt;	 /**< ranges looked up: find and split */
	uint64_t lookup_hit_cnt; /**< of them, in the stretch of the one before */
	uint64_t type_cnt;	 /**< types asked for, of providers that exist */
	uint64_t type_hit_cnt;	 /**< of them, remembered */
};

/**
 * @brief Makes a registry with no nodes and no providers.
 *
 * @param[in]  mem     must outlive the registry
 * @param[out] ret_p2p the registry; the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_create(const struct phyr_mem *mem, struct phyr_p2p **ret_p2p);

/**
 * @brief Frees a registry; nobody is told.
 *
 * @param[in] p2p NULL is allowed; its clients must have been destroyed and its users detached
 * @complexity O(providers)
 * @threads no other call on the registry may be running
 */
PHYR_API void phyr_p2p_destroy(struct phyr_p2p *p2p);

/**
 * @brief Adds a host bridge, or a node below another.
 *
 * @param[in,out] p2p      the registry
 * @param[in]     node     what and where
 * @param[out]    ret_node [id] 1, 2, …; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, a forward of no known value or of no host bridge, or
 *                      ACS bits of a host bridge
 * @return PHYR_E_NOENT there is no such parent
 * @return PHYR_E_LIMIT there are 2^20 − 1 nodes
 * @return PHYR_E_NOMEM the hook returned NULL; nothing changed
 * @complexity O(1) amortised
 * @threads no other call on the registry or its clients may be running
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_add_node(struct phyr_p2p *p2p,
					      const struct phyr_p2p_node *node, uint32_t *ret_node);

/**
 * @brief Changes the ACS bits of a node; types are computed anew from here on.
 *
 * @param[in,out] p2p  the registry
 * @param[in]     node [id] no host bridge
 * @param[in]     acs  [enum phyr_p2p_acs] the ACS control register; unknown bits do not count
 * @return PHYR_OK
 * @return PHYR_E_INVAL p2p is NULL, or the node is a host bridge
 * @return PHYR_E_NOENT there is no such node
 * @complexity O(1)
 * @threads no other call on the registry or its clients may be running
 * @source differs from Linux, which keeps the types it has
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_set_acs(struct phyr_p2p *p2p, uint32_t node, uint16_t acs);

/**
 * @brief Registers a provider.
 *
 * In which order providers are registered changes nothing but their ids.
 *
 * @param[in,out] p2p          the registry
 * @param[in]     bar          where, whose, and where on the bus
 * @param[out]    ret_provider [id] not 0, never used before; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL  an argument is NULL, the length is 0, or the owner is a host bridge
 * @return PHYR_E_RANGE  wraps, as the CPU or as the bus sees it
 * @return PHYR_E_NOENT  there is no such owner
 * @return PHYR_E_EXISTS overlaps another provider
 * @return PHYR_E_LIMIT  2^20 − 1 providers are registered, or all ids were used
 * @return PHYR_E_NOMEM  the hook returned NULL; nothing changed
 * @complexity O(providers above it)
 * @threads no other call on the registry or its clients may be running
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_register(struct phyr_p2p *p2p, const struct phyr_p2p_bar *bar,
					      uint32_t *ret_provider);

/**
 * @brief Takes a provider away, after all its users have let go.
 *
 * Calls revoke() of every user once, holding no lock; each has to detach itself before it returns,
 * and may detach others. Meanwhile nobody can attach. Their memory may be freed as soon as they
 * are detached.
 *
 * @param[in,out] p2p      the registry
 * @param[in]     provider [id]
 * @return PHYR_OK      its addresses are ordinary memory now
 * @return PHYR_E_INVAL p2p is NULL
 * @return PHYR_E_NOENT there is no such provider (any more), or it is being removed
 * @return PHYR_E_BUSY  a user did not detach: the provider stays, those who did are detached
 * @complexity O(users + providers above it)
 * @threads no other call on the registry or its clients may be running, but those that a revoke()
 *          makes or waits for
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_remove(struct phyr_p2p *p2p, uint32_t provider);

/**
 * @brief Says that a provider is in use.
 *
 * @param[in,out] p2p      the registry
 * @param[in]     provider [id]
 * @param[in,out] user     not attached, revoke set; stays where it is until detached
 * @return PHYR_OK
 * @return PHYR_E_INVAL  an argument or revoke is NULL
 * @return PHYR_E_EXISTS the user is attached already
 * @return PHYR_E_NOENT  there is no such provider, or it is being removed
 * @complexity O(1)
 * @threads any; holds a spin lock of the provider for a few steps
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_attach(struct phyr_p2p *p2p, uint32_t provider,
					    struct phyr_p2p_user *user);

/**
 * @brief Says that a use has ended; from within revoke(), too.
 *
 * @param[in,out] user one that is not attached, or NULL: nothing happens
 * @complexity O(1)
 * @threads any; one thread at a time for one user
 */
PHYR_API void phyr_p2p_detach(struct phyr_p2p_user *user);

/**
 * @brief What is known of a provider.
 *
 * @param[in]  p2p      the registry
 * @param[in]  provider [id]
 * @param[out] ret_bar  as registered; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL
 * @return PHYR_E_NOENT there is no such provider
 * @complexity O(1)
 * @threads any number of readers
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_bar(const struct phyr_p2p *p2p, uint32_t provider,
					 struct phyr_p2p_bar *ret_bar);

/**
 * @brief Makes a thread's handle for a client device.
 *
 * @param[in]  mem        must outlive the handle
 * @param[in]  p2p        must outlive the handle
 * @param[in]  node       [id] the device; 0: no PCI device, it reaches no provider
 * @param[out] ret_client the handle; the caller destroys it; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL mem, p2p or ret_client is NULL, or the node is a host bridge
 * @return PHYR_E_NOENT there is no such node
 * @return PHYR_E_NOMEM the hook returned NULL
 * @complexity O(1)
 * @threads any; the handle has one user at a time
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_client_create(const struct phyr_mem *mem,
						   const struct phyr_p2p *p2p, uint32_t node,
						   struct phyr_p2p_client **ret_client);

/**
 * @brief Frees a handle.
 *
 * @param[in] client NULL is allowed
 * @complexity O(1)
 * @threads one user at a time
 */
PHYR_API void phyr_p2p_client_destroy(struct phyr_p2p_client *client);

/**
 * @brief Which provider does a range lie in, as a whole?
 *
 * @param[in,out] client       remembers the stretch
 * @param[in]     range        physical memory
 * @param[out]    ret_provider [id] written only on PHYR_OK
 * @return PHYR_OK        all of it is one provider's
 * @return PHYR_E_INVAL   an argument is NULL, or the length is 0
 * @return PHYR_E_RANGE   wraps
 * @return PHYR_E_NOENT   touches no provider: ordinary memory
 * @return PHYR_E_PARTIAL crosses a border: of a provider and memory, or of two providers
 * @complexity O(log providers); O(1) in the stretch of the lookup before
 * @threads one user at a time
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_find(struct phyr_p2p_client *client, struct phyr_range range,
					  uint32_t *ret_provider);

/**
 * @brief Cuts off the longest start of a range that lies in one provider, or in none.
 *
 * @param[in,out] client       remembers the stretch
 * @param[in]     range        physical memory
 * @param[out]    ret_first    that start, not empty; written only on PHYR_OK
 * @param[out]    ret_provider [id] its provider, 0 for ordinary memory; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL an argument is NULL, or the length is 0
 * @return PHYR_E_RANGE wraps
 * @complexity O(log providers); O(1) in the stretch of the lookup before
 * @threads one user at a time
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_split(struct phyr_p2p_client *client, struct phyr_range range,
					   struct phyr_range *ret_first, uint32_t *ret_provider);

/**
 * @brief How does the client reach a provider?
 *
 * @param[in,out] client   remembers the types of some providers; not NULL
 * @param[in]     provider [id] 0: ordinary memory
 * @return PHYR_P2P_NONE for 0; PHYR_P2P_UNSUPPORTED also for what is no provider (any more)
 * @complexity O(depth of both nodes) the first time and after a change, O(1) then
 * @threads one user at a time
 * @source linux-dma 12.2. The client's own BAR is PHYR_P2P_OWN where Linux says bus address
 */
PHYR_API enum phyr_p2p_type phyr_p2p_type(struct phyr_p2p_client *client, uint32_t provider);

/**
 * @brief The bus address of a byte of a provider that is reached by bus address.
 *
 * Bytes of one provider that are neighbours have neighbouring bus addresses.
 *
 * @param[in,out] client   remembers the type
 * @param[in]     provider [id]
 * @param[in]     pa       a byte of the provider
 * @param[out]    ret_bus  what the client puts on the bus; written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       client or ret_bus is NULL
 * @return PHYR_E_NOENT       there is no such provider
 * @return PHYR_E_RANGE       the byte is not the provider's
 * @return PHYR_E_UNREACHABLE the client cannot reach it
 * @return PHYR_E_KIND        it is reached through the host bridge: it has to be mapped
 * @complexity as phyr_p2p_type()
 * @threads one user at a time
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_bus(struct phyr_p2p_client *client, uint32_t provider,
					 phyr_pa pa, phyr_iova *ret_bus);

/**
 * @brief What a client's calls did so far.
 *
 * @param[in]  client    the handle
 * @param[out] ret_stats counters since it was made
 * @complexity O(1)
 * @threads one user at a time
 */
PHYR_API void phyr_p2p_client_stats(const struct phyr_p2p_client *client,
				    struct phyr_p2p_stats *ret_stats);

/**
 * @brief How far, and of which type, is the way from a provider to a device?
 *
 * The distance is the number of steps from node to node: 0 within a function, 2 between functions
 * of one device, 4 between slots of one switch. Where no node is common, it is the number of nodes
 * above and with both, host bridges not counted.
 *
 * @param[in]  p2p          the registry
 * @param[in]  provider     [id]
 * @param[in]  node         [id] the device; 0: no PCI device
 * @param[out] ret_type     BUS, BRIDGE or OWN; written only on PHYR_OK
 * @param[out] ret_distance [steps] written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       p2p or an output is NULL, or the node is a host bridge
 * @return PHYR_E_NOENT       there is no such provider or node
 * @return PHYR_E_UNREACHABLE the device cannot reach it
 * @complexity O(depth of both nodes)
 * @threads any number of readers
 * @source linux-dma 12.2
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_distance(const struct phyr_p2p *p2p, uint32_t provider,
					      uint32_t node, enum phyr_p2p_type *ret_type,
					      unsigned int *ret_distance);

/**
 * @brief The distances from a provider to several devices, added up.
 *
 * @param[in]  p2p          the registry
 * @param[in]  provider     [id]
 * @param[in]  nodes        [ids] the devices
 * @param[out] ret_distance [steps] written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       p2p, ids or ret_distance is NULL, or a node is a host bridge
 * @return PHYR_E_NOENT       there is no such provider or node
 * @return PHYR_E_UNREACHABLE there are no devices, or one of them cannot reach it
 * @complexity O(devices × depth)
 * @threads any number of readers
 * @source linux-dma 12.2
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_distance_many(const struct phyr_p2p *p2p, uint32_t provider,
						   struct phyr_p2p_ids nodes,
						   uint64_t *ret_distance);

/**
 * @brief The provider with the smallest distance to several devices; of equal ones the lowest id.
 *
 * @param[in]  p2p          the registry
 * @param[in]  providers    [ids] to choose from
 * @param[in]  nodes        [ids] the devices that all have to reach it
 * @param[out] ret_provider [id] written only on PHYR_OK
 * @return PHYR_OK
 * @return PHYR_E_INVAL       p2p, ids or ret_provider is NULL, or a node is a host bridge
 * @return PHYR_E_NOENT       there is no such provider or node
 * @return PHYR_E_UNREACHABLE no provider is reached by all of them, or there are no devices
 * @complexity O(providers × devices × depth)
 * @threads any number of readers
 * @source linux-dma 12.2; Linux takes one of equals at random
 */
PHYR_API PHYR_NODISCARD int phyr_p2p_find_nearest(const struct phyr_p2p *p2p,
						  struct phyr_p2p_ids providers,
						  struct phyr_p2p_ids nodes,
						  uint32_t *ret_provider);

/**
 * @brief Is a registry as it should be?
 *
 * @param[in]  p2p        the registry; NULL is invalid
 * @param[out] ret_reason why not, a constant string; written only when false; may be NULL
 * @return true when every invariant holds
 * @complexity O(nodes + providers + users)
 * @threads nobody attaches or detaches meanwhile
 */
PHYR_API bool phyr_p2p_validate(const struct phyr_p2p *p2p, const char **ret_reason);

/**
 * @brief Is everything that a client remembers true?
 *
 * @param[in]  client     the handle; NULL is invalid
 * @param[out] ret_reason why not, a constant string; written only when false; may be NULL
 * @return true when it is, or would be forgotten before it is used
 * @complexity O(log providers + depth)
 * @threads one user at a time
 */
PHYR_API bool phyr_p2p_client_validate(const struct phyr_p2p_client *client,
				       const char **ret_reason);

#ifdef __cplusplus
}
#endif

#endif
