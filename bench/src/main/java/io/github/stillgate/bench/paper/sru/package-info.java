/**
 * The tables of the SRU poster (Lei et al., 2018) again: {@code ./stillgate reproduce sru}.
 * Trainings come from {@code training/pytorch/sentences.py} and from this library's own trainer of
 * character models; what is timed has random weights.
 */
@NullMarked
package io.github.stillgate.bench.paper.sru;

import org.jspecify.annotations.NullMarked;
