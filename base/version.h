/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What every program of the project prints for --version; packaging/debian/changelog says the same.
 */
#define PST_VERSION "0.1"
