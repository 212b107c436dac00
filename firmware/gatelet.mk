# Files of the library, for a Makefile: include this with GATELET set to the folder it lies in (default: here).
GATELET ?= .
GATELET_INCLUDES = $(GATELET)/include
GATELET_SOURCES = $(sort $(wildcard $(GATELET)/src/*.c))
# with -DGATELET_CORTEX_M4=1
GATELET_CORTEX_M4_SOURCES = $(sort $(wildcard $(GATELET)/src/*_cortex_m4.S))
