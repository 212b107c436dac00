/* Included first by files that no step runs through: they are compiled for size whatever the command line says. */
#ifndef GATELET_SMALL_H
#define GATELET_SMALL_H

#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__)
#pragma GCC optimize("Os")
#endif

#endif
