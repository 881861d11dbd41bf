package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Arrays;

/**
 * A pack bound to the operands of one stream: it owns the sums and the scratch. Sums that were made
 * otherwise can be taken for an operand, which is then not multiplied: those of a token, or those
 * that were made ahead for many steps at once.
 *
 * <p>Belongs to one stream, and to one thread at a time; only {@link #multiply} may run on several,
 * each with its own positions and worker number.
 */
public final class Product {
  private final Pack pack;
  private final Operand[] operands;
  private final MemorySegment[] own;
  private final MemorySegment[] sums;
  private final Binding binding;
  private MemorySegment[] scratch;
  private boolean byToken;
  private int clamped;

  /**
   * Binds {@code pack}; all sums are +0.
   *
   * @param memory zero when it is allocated
   * @param workers threads that may multiply at the same time
   * @param operands one for each operand of the layout, of its width
   */
  public Product(Pack pack, SegmentAllocator memory, int workers, Operand... operands) {
    PackLayout layout = pack.layout();
    if (operands.length != layout.operands()) {
      throw new IllegalArgumentException(
          "%d operands for a pack of %d".formatted(operands.length, layout.operands()));
    }
    this.pack = pack;
    this.operands = operands.clone();
    this.own = new MemorySegment[operands.length];
    this.binding = new Binding(operands.length, memory);
    for (int operand = 0; operand < operands.length; operand++) {
      PackLayout.Part part = layout.part(operand);
      if (operands[operand].width() != part.columns()) {
        throw new IllegalArgumentException(
            "operand %d has %d values, its rows %d"
                .formatted(operand, operands[operand].width(), part.columns()));
      }
      own[operand] = Lanes.floats(part.sumFloats(), memory);
      binding.put(operand, operands[operand].floats(), own[operand]);
      binding.keep(operand, KeptSums.of(pack, operand, memory));
    }
    this.sums = own.clone();
    this.scratch = new MemorySegment[workers];
    Arrays.setAll(scratch, _ -> Lanes.floats(pack.scratchFloats(), memory));
  }

  /** From now on so many threads may multiply at the same time, if fewer might before. */
  public void allowWorkers(int workers, SegmentAllocator memory) {
    int before = scratch.length;
    if (workers > before) {
      scratch = Arrays.copyOf(scratch, workers);
      for (int worker = before; worker < workers; worker++) {
        scratch[worker] = Lanes.floats(pack.scratchFloats(), memory);
      }
    }
  }

  /** What is multiplied. */
  public Pack pack() {
    return pack;
  }

  /** The vector of an operand. */
  public Operand operand(int operand) {
    return operands[operand];
  }

  /**
   * The sums over an operand: kind k of unit i at {@code k * sumStride + i}, +0 for a row that is
   * missing. Whoever finishes a step only reads them.
   */
  public MemorySegment sums(int operand) {
    return sums[operand];
  }

  /** Whether the sums over an operand were taken, so that it is not multiplied. */
  public boolean isTaken(int operand) {
    return binding.vector(operand) == null;
  }

  /** Whether the sums over one operand are those of a token. */
  public boolean isByToken() {
    return byToken;
  }

  /** From now on an operand is multiplied again. */
  public void multiplyAgain(int operand) {
    if (isTaken(operand)) {
      byToken = false;
      sums[operand] = own[operand];
      binding.put(operand, operands[operand].floats(), own[operand]);
    }
  }

  /** From now on {@code madeBefore} are the sums over an operand. */
  public void take(int operand, MemorySegment madeBefore) {
    byToken = false;
    sums[operand] = madeBefore;
    if (!isTaken(operand)) {
      binding.leaveOut(operand);
    }
  }

  /**
   * From now on the sums over the operand that may be given by token are those of {@code token}.
   */
  public void takeToken(int token) {
    int operand = pack.weights().tokenOperand();
    take(operand, pack.weights().column(token, own[operand]));
    byToken = true;
  }

  /** What is multiplied for this stream, and where its sums go. */
  public Binding binding() {
    return binding;
  }

  /** Whether anything is left to multiply. */
  public boolean multipliesAnything() {
    for (int operand = 0; operand < operands.length; operand++) {
      if (!isTaken(operand)) {
        return true;
      }
    }
    return false;
  }

  /** Finds out what moved since the last multiplication, and what is clamped; once before each. */
  public void prepare() {
    pack.prepare(binding);
    clamped = 0;
    for (int operand = 0; operand < operands.length; operand++) {
      MemorySegment vector = binding.vector(operand);
      clamped += vector == null ? 0 : clampedValues(operand, vector);
    }
  }

  /** Puts the values that were sent where they can lag behind into {@code state}, in order. */
  public void keepSentIn(SegmentAllocator state) {
    for (int operand = 0; operand < operands.length; operand++) {
      KeptSums kept = binding.keptSums(operand);
      if (kept != null && kept.sent() != null) {
        kept.sent(Lanes.floats(operands[operand].width(), state));
      }
    }
  }

  /** Values that were not sent before the last multiplication only because too many moved. */
  public int valuesHeldBack() {
    int values = 0;
    for (int operand = 0; operand < operands.length; operand++) {
      KeptSums kept = binding.keptSums(operand);
      values += kept == null || isTaken(operand) ? 0 : kept.heldBack();
    }
    return values;
  }

  /**
   * Weight bytes that a step reads for the groups of {@code set}, a token's column included; after
   * {@link #prepare}.
   */
  public long bytes(ActiveSet set) {
    PackedWeights weights = pack.weights();
    long bytes = 0;
    for (int operand = 0; operand < operands.length; operand++) {
      PackLayout.Part part = pack.layout().part(operand);
      boolean column = byToken && operand == weights.tokenOperand();
      long rowBytes = column ? weights.columnBytes() : movedBytes(operand, part);
      bytes += part.rows(set) * rowBytes;
    }
    return bytes;
  }

  /** The same without the operands that were taken: what multiplying those groups reads. */
  public long multipliedBytes(ActiveSet set) {
    long bytes = 0;
    for (int operand = 0; operand < operands.length; operand++) {
      if (!isTaken(operand)) {
        PackLayout.Part part = pack.layout().part(operand);
        bytes += part.rows(set) * movedBytes(operand, part);
      }
    }
    return bytes;
  }

  /**
   * Values that moved before the last multiplication, of the operands whose sums are kept and that
   * were not taken.
   */
  public int movedValues() {
    int moved = 0;
    for (int operand = 0; operand < operands.length; operand++) {
      KeptSums kept = binding.keptSums(operand);
      moved += kept == null || isTaken(operand) ? 0 : kept.moved().count();
    }
    return moved;
  }

  /** How many values those operands have. */
  public int keptValues() {
    int values = 0;
    for (int operand = 0; operand < operands.length; operand++) {
      values +=
          binding.keptSums(operand) == null || isTaken(operand) ? 0 : operands[operand].width();
    }
    return values;
  }

  /** Values beyond the scale of their operand, of those in the last multiplication. */
  public int clampedValues() {
    return clamped;
  }

  /**
   * How many values of {@code vector} are beyond the scale of an operand, if one was found on data:
   * what is proved to lie within its scale does.
   */
  public int clampedValues(int operand, MemorySegment vector) {
    if (!pack.weights().isScaleFound(operand)) {
      return 0;
    }
    float inverse = 1 / pack.weights().operandScale(operand);
    int clamped = 0;
    for (int i = 0; i < operands[operand].width(); i++) {
      clamped += Int8.isBeyond(vector.getAtIndex(JAVA_FLOAT, i), inverse) ? 1 : 0;
    }
    return clamped;
  }

  private long movedBytes(int operand, PackLayout.Part part) {
    KeptSums kept = binding.keptSums(operand);
    return kept == null ? part.rowBytes() : kept.moved().count();
  }

  /** Prepares, and sums the rows of the groups of {@code set} over what was not taken. */
  public void multiply(ActiveSet set) {
    prepare();
    multiply(set, 0, set.count(), 0);
  }

  /**
   * Sums the positions from {@code from} to {@code to}, exclusive, by one of the workers; after
   * {@link #prepare}.
   */
  public void multiply(ActiveSet set, int from, int to, int worker) {
    pack.multiply(set, from, to, binding, scratch[worker]);
  }
}
