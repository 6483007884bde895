/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define PST_VERSION "0.1"
