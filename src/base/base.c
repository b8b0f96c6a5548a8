/* SPDX-License-Identifier: MIT */
/* Names and sentences of result codes, and the version. */

#include <phyr/base.h>

struct err_text {
	const char *name;
	const char *sentence;
};

/* No default in the switch: the compiler then finds a code without a text. */
static struct err_text err_text(enum phyr_err err)
{
	switch (err) {
	case PHYR_OK:
		return (struct err_text){ "PHYR_OK", "done" };
	case PHYR_E_INVAL:
		return (struct err_text){ "PHYR_E_INVAL", "an argument is missing or not allowed" };
	case PHYR_E_RANGE:
		return (struct err_text){ "PHYR_E_RANGE",
					  "a range wraps or lies beyond an address width" };
	case PHYR_E_ALIGN:
		return (struct err_text){ "PHYR_E_ALIGN",
					  "an address or length is not aligned as it must be" };
	case PHYR_E_NOMEM:
		return (struct err_text){ "PHYR_E_NOMEM", "out of memory" };
	case PHYR_E_NOSPACE:
		return (struct err_text){ "PHYR_E_NOSPACE",
					  "no free range of I/O addresses or slots fits" };
	case PHYR_E_LIMIT:
		return (struct err_text){ "PHYR_E_LIMIT",
					  "can never be met within the limits given" };
	case PHYR_E_KIND:
		return (struct err_text){ "PHYR_E_KIND",
					  "this kind of memory cannot be treated so" };
	case PHYR_E_UNREACHABLE:
		return (struct err_text){ "PHYR_E_UNREACHABLE",
					  "the device cannot reach this peer" };
	case PHYR_E_UNSUPPORTED:
		return (struct err_text){ "PHYR_E_UNSUPPORTED", "not supported here" };
	case PHYR_E_EXISTS:
		return (struct err_text){ "PHYR_E_EXISTS",
					  "already mapped, reserved or registered" };
	case PHYR_E_NOENT:
		return (struct err_text){ "PHYR_E_NOENT", "not mapped, allocated or present" };
	case PHYR_E_BUSY:
		return (struct err_text){ "PHYR_E_BUSY", "still in use" };
	case PHYR_E_PARTIAL:
		return (struct err_text){ "PHYR_E_PARTIAL", "would split something that is whole" };
	case PHYR_E_FORMAT:
		return (struct err_text){ "PHYR_E_FORMAT", "malformed data" };
	case PHYR_E_VERSION:
		return (struct err_text){ "PHYR_E_VERSION", "data of a version not known here" };
	case PHYR_E_IO:
		return (struct err_text){ "PHYR_E_IO", "the operating system reports an error" };
	case PHYR_E_FAULT:
		return (struct err_text){ "PHYR_E_FAULT", "translation fault" };
	case PHYR_E_PERM:
		return (struct err_text){ "PHYR_E_PERM",
					  "the operating system does not allow this process to" };
	}
	return (struct err_text){ "PHYR_E_?", "unknown code" };
}

const char *phyr_strerror(int err)
{
	return err_text((enum phyr_err)err).sentence;
}

const char *phyr_errname(int err)
{
	return err_text((enum phyr_err)err).name;
}

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

const char *phyr_version(void)
{
	return STRING(PHYR_VERSION_MAJOR) "." STRING(PHYR_VERSION_MINOR) "." STRING(
		PHYR_VERSION_PATCH);
}
