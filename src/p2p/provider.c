/* SPDX-License-Identifier: MIT */
/*
 * Providers and their ids: registering and removing.
 *
 * A slot is used again, its id is not: who still has the id of a removed provider, in the tag of a
 * list, gets "no such provider" and never another one.
 *
 * Not here: which addresses are whose (order.c), who uses them (user.c).
 */
#include <phyr/bits.h>

#include "p2p.h"

struct phyr_p2p_provider *phyr_p2p_provider_at(const struct phyr_p2p *p2p, uint32_t provider)
{
	uint32_t slot = provider & ID_MAX;
	struct phyr_p2p_provider *found;

	if (!slot || slot > p2p->slot_cnt)
		return NULL;
	found = *p2p_slot(p2p, slot);
	return found->live && found->id == provider ? found : NULL;
}

static int check_bar(const struct phyr_p2p *p2p, const struct phyr_p2p_bar *bar, uint64_t *ret_last)
{
	uint64_t first = bar->range.pa.addr, bus_last;
	struct stretch stretch;
	int err;

	if (!bar->range.len)
		return PHYR_E_INVAL;
	if (!phyr_bits_last(first, bar->range.len, ret_last) ||
	    !phyr_bits_last(first + bar->bus_offset, bar->range.len, &bus_last))
		return PHYR_E_RANGE;
	err = phyr_p2p_check_node(p2p, bar->owner);
	if (err)
		return err;
	stretch = phyr_p2p_stretch(p2p, first);
	return !stretch.id && *ret_last <= stretch.last ? PHYR_OK : PHYR_E_EXISTS;
}

/* A slot that is free; one more if there is none. */
static int take_slot(struct phyr_p2p *p2p, struct phyr_p2p_provider **ret_provider)
{
	struct phyr_p2p_provider *provider;
	int err;

	if (p2p->first_free) {
		provider = *p2p_slot(p2p, p2p->first_free);
		p2p->first_free = provider->next_free;
		*ret_provider = provider;
		return PHYR_OK;
	}
	if (p2p->slot_cnt == ID_MAX)
		return PHYR_E_LIMIT;
	err = phyr_p2p_room(p2p->mem, &p2p->slots, p2p->slot_cnt, sizeof(provider));
	if (err)
		return err;
	provider = p2p->mem->alloc(p2p->mem->ctx, sizeof(*provider));
	if (!provider)
		return PHYR_E_NOMEM;
	*provider = (struct phyr_p2p_provider){ .id = ++p2p->slot_cnt };
	*p2p_slot(p2p, p2p->slot_cnt) = provider;
	*ret_provider = provider;
	return PHYR_OK;
}

static int make_room(struct phyr_p2p *p2p)
{
	int err = phyr_p2p_room(p2p->mem, &p2p->firsts, p2p->place_cnt, sizeof(uint64_t));

	if (!err)
		err = phyr_p2p_room(p2p->mem, &p2p->places, p2p->place_cnt, sizeof(struct place));
	return err;
}

int phyr_p2p_register(struct phyr_p2p *p2p, const struct phyr_p2p_bar *bar, uint32_t *ret_provider)
{
	struct phyr_p2p_provider *provider;
	uint64_t last;
	int err;

	if (!p2p || !bar || !ret_provider)
		return PHYR_E_INVAL;
	err = check_bar(p2p, bar, &last);
	if (!err)
		err = make_room(p2p);
	if (!err)
		err = take_slot(p2p, &provider);
	if (err)
		return err;
	provider->bar = *bar;
	provider->live = true;
	phyr_p2p_order_add(p2p, bar->range.pa.addr, (struct place){ last, provider->id });
	p2p->generation++;
	*ret_provider = provider->id;
	return PHYR_OK;
}

static void give_slot(struct phyr_p2p *p2p, struct phyr_p2p_provider *provider)
{
	uint32_t slot = provider->id & ID_MAX;

	provider->live = false;
	/* A slot whose ids are used up is not used again. */
	if (__builtin_add_overflow(provider->id, USE_ONE, &provider->id))
		return;
	provider->next_free = p2p->first_free;
	p2p->first_free = slot;
}

int phyr_p2p_remove(struct phyr_p2p *p2p, uint32_t provider)
{
	struct phyr_p2p_provider *found;
	int err;

	if (!p2p)
		return PHYR_E_INVAL;
	found = phyr_p2p_provider_at(p2p, provider);
	if (!found || found->going)
		return PHYR_E_NOENT;
	err = phyr_p2p_revoke(found);
	if (err)
		return err;
	phyr_p2p_order_remove(p2p, found->bar.range.pa.addr);
	give_slot(p2p, found);
	p2p->generation++;
	return PHYR_OK;
}

int phyr_p2p_bar(const struct phyr_p2p *p2p, uint32_t provider, struct phyr_p2p_bar *ret_bar)
{
	const struct phyr_p2p_provider *found;

	if (!p2p || !ret_bar)
		return PHYR_E_INVAL;
	found = phyr_p2p_provider_at(p2p, provider);
	if (!found)
		return PHYR_E_NOENT;
	*ret_bar = found->bar;
	return PHYR_OK;
}
