/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Do devices take filters on this kernel (enforcer/tc.h)? They need a qdisc (clsact) and a
 * classifier (cls_bpf), which may be modules that are not there.
 */

/*
 * Tries it on the loopback of a network namespace made for that, and comes back. 1 yes, 0 no; a
 * negative errno when it cannot be tried, -EPERM without CAP_SYS_ADMIN. If there is no way back the
 * process aborts. Logs nothing.
 */
int pst_clsact_try(void);
