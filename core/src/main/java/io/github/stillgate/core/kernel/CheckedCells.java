package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * Checks each cell of another {@link Cells}: memory, finite arguments and states, inputs that stay
 * as they are, and that state and scratch are apart from everything else.
 */
final class CheckedCells implements Cells {
  private final Cells cells;

  CheckedCells(Cells cells) {
    this.cells = cells;
  }

  @Override
  public void preactivate(
      int n, MemorySegment x, MemorySegment h, MemorySegment bias, MemorySegment out) {
    String operation = "preactivate";
    Checks.count(operation, n);
    Checks.input(operation, "x", x, 1, n);
    Checks.input(operation, "h", h, 1, n);
    Checks.input(operation, "bias", bias, 1, n);
    Checks.memory(operation, "out", out, Lanes.padded(n));
    Checks.sameOrApart(operation, "x and out", x, out, n);
    Checks.sameOrApart(operation, "h and out", h, out, n);
    Checks.apart(operation, "bias and out", bias, Lanes.padded(n), out, Lanes.padded(n));
    long before = hash(n, x, h, bias, out);
    cells.preactivate(n, x, h, bias, out);
    Checks.unwritten(operation, "an input", before, hash(n, x, h, bias, out));
    Checks.finite(operation, "out", out, 1, n);
  }

  private static long hash(
      int n, MemorySegment x, MemorySegment h, MemorySegment bias, MemorySegment out) {
    long hash = Checks.hash(bias, 1, n);
    hash = 31 * hash + (x.address() == out.address() ? 0 : Checks.hash(x, 1, n));
    return 31 * hash + (h.address() == out.address() ? 0 : Checks.hash(h, 1, n));
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    String operation = "conditionalGru";
    beforeState(operation, n, scratch, state);
    long gate = before(operation, "z", z, 1, n, scratch, state);
    long overX = before(operation, "x", x, 2, n, scratch, state);
    long overH = before(operation, "h", h, 2, n, scratch, state);
    long added = before(operation, "bias", bias, 2, n, scratch, state);
    long still = still(n, z, state);
    cells.conditionalGru(n, z, x, h, bias, scratch, state);
    Checks.unwritten(operation, "z", gate, Checks.hash(z, 1, n));
    Checks.unwritten(operation, "x", overX, Checks.hash(x, 2, n));
    Checks.unwritten(operation, "h", overH, Checks.hash(h, 2, n));
    Checks.unwritten(operation, "bias", added, Checks.hash(bias, 2, n));
    Checks.unwritten(operation, "the state of a still unit", still, still(n, z, state));
    Checks.finite(operation, "state", state, 1, n);
  }

  /** A number that changes when the state of a unit does whose z is not positive. */
  private static long still(int n, MemorySegment z, MemorySegment state) {
    long hash = 0;
    for (int i = 0; i < n; i++) {
      if (!(z.getAtIndex(JAVA_FLOAT, i) > 0)) {
        hash = 31 * hash + state.getAtIndex(JAVA_INT, i);
      }
    }
    return hash;
  }

  @Override
  public void gru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment scratch,
      MemorySegment state) {
    String operation = "gru";
    beforeState(operation, n, scratch, state);
    long overX = before(operation, "x", x, 3, n, scratch, state);
    long overH = before(operation, "h", h, 3, n, scratch, state);
    long added = before(operation, "bias", bias, 3, n, scratch, state);
    cells.gru(n, x, h, bias, scratch, state);
    Checks.unwritten(operation, "x", overX, Checks.hash(x, 3, n));
    Checks.unwritten(operation, "h", overH, Checks.hash(h, 3, n));
    Checks.unwritten(operation, "bias", added, Checks.hash(bias, 3, n));
    Checks.finite(operation, "state", state, 1, n);
  }

  @Override
  public void biasedGru(
      int n,
      MemorySegment x,
      MemorySegment h,
      MemorySegment bias,
      MemorySegment inner,
      MemorySegment scratch,
      MemorySegment state) {
    String operation = "biasedGru";
    beforeState(operation, n, scratch, state);
    long overX = before(operation, "x", x, 3, n, scratch, state);
    long overH = before(operation, "h", h, 3, n, scratch, state);
    long added = before(operation, "bias", bias, 3, n, scratch, state);
    long inside = before(operation, "inner", inner, 1, n, scratch, state);
    cells.biasedGru(n, x, h, bias, inner, scratch, state);
    Checks.unwritten(operation, "x", overX, Checks.hash(x, 3, n));
    Checks.unwritten(operation, "h", overH, Checks.hash(h, 3, n));
    Checks.unwritten(operation, "bias", added, Checks.hash(bias, 3, n));
    Checks.unwritten(operation, "inner", inside, Checks.hash(inner, 1, n));
    Checks.finite(operation, "state", state, 1, n);
  }

  @Override
  public void blend(
      int n, MemorySegment z, MemorySegment c, MemorySegment scratch, MemorySegment state) {
    String operation = "blend";
    beforeState(operation, n, scratch, state);
    long gate = before(operation, "z", z, 1, n, scratch, state);
    long candidate = before(operation, "c", c, 1, n, scratch, state);
    cells.blend(n, z, c, scratch, state);
    Checks.unwritten(operation, "z", gate, Checks.hash(z, 1, n));
    Checks.unwritten(operation, "c", candidate, Checks.hash(c, 1, n));
    Checks.finite(operation, "state", state, 1, n);
  }

  @Override
  public void carry(
      int n,
      MemorySegment keep,
      MemorySegment gate,
      MemorySegment value,
      MemorySegment scratch,
      MemorySegment state) {
    String operation = "carry";
    beforeState(operation, n, scratch, state);
    long kept = before(operation, "keep", keep, 1, n, scratch, state);
    long gated = before(operation, "gate", gate, 1, n, scratch, state);
    long added = before(operation, "value", value, 1, n, scratch, state);
    cells.carry(n, keep, gate, value, scratch, state);
    Checks.unwritten(operation, "keep", kept, Checks.hash(keep, 1, n));
    Checks.unwritten(operation, "gate", gated, Checks.hash(gate, 1, n));
    Checks.unwritten(operation, "value", added, Checks.hash(value, 1, n));
    Checks.finite(operation, "state", state, 1, n);
  }

  /** State and scratch, which are written. */
  private static void beforeState(
      String operation, int n, MemorySegment scratch, MemorySegment state) {
    Checks.count(operation, n);
    Checks.memory(operation, "scratch", scratch, scratchFloats(n));
    Checks.input(operation, "state", state, 1, n);
    Checks.apart(operation, "scratch and state", scratch, scratchFloats(n), state, Lanes.padded(n));
  }

  /** Checks an input of some rows and returns its hash. */
  private static long before(
      String operation,
      String what,
      MemorySegment input,
      int rows,
      int n,
      MemorySegment scratch,
      MemorySegment state) {
    Checks.input(operation, what, input, rows, n);
    long floats = (long) rows * Lanes.padded(n);
    Checks.apart(operation, what, input, floats, scratch, scratchFloats(n));
    Checks.apart(operation, what, input, floats, state, Lanes.padded(n));
    return Checks.hash(input, rows, n);
  }

  private static long scratchFloats(int n) {
    return (long) SCRATCH_ROWS * Lanes.padded(n);
  }
}
