package io.github.stillgate.core.session;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.stage.StatePart;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.zip.CRC32C;

/**
 * The bytes of a stream's state. All numbers are little-endian.
 *
 * <p>Version 2: the four bytes {@code SGSN}; version, an int; the model's fingerprint, a long; the
 * number of parts, an int; for each part its kind, a byte ({@code h}, {@code c} or {@code m} as in
 * the formulas, {@code v} for a state of a graph, {@code s} for values sent last), the length of
 * its name in UTF-8, an int, the name, and its width, an int; the float32 values of all parts one
 * after the other; a CRC-32C of all that, an int.
 *
 * <p>Version 1, which is read and no longer written, has no parts: magic, version, fingerprint in
 * its former form ({@link Model#formerFingerprint}), the number of floats, the state with each part
 * padded to 32 floats, and the checksum.
 *
 * <p>Safe for any number of threads.
 */
public final class Snapshot {
  private static final int MAGIC = 0x4e534753;
  private static final int VERSION = 2;
  private static final int HEADER_BYTES = 4 + 4 + 8 + 4;
  private static final int LEAST_PART_BYTES = 1 + 4 + 4;
  private static final int CHECKSUM_BYTES = 4;

  /** What version 1 padded each part to; a constant of the format, whatever kernels pad to. */
  private static final int VERSION_1_PADDING = 32;

  private Snapshot() {}

  /**
   * What a snapshot says of itself.
   *
   * @param version of its format
   * @param fingerprint of the model it was taken from; in version 1 in its former form
   * @param parts what it holds, in order; empty in version 1, which does not say
   * @param values number of float32 values, in version 1 with their padding
   */
  public record Description(int version, long fingerprint, List<Part> parts, int values) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "snapshot version %d of model %016x: %s",
          version,
          fingerprint,
          parts.isEmpty() ? values + " values" : listed(parts));
    }
  }

  /**
   * One vector of a snapshot.
   *
   * @param name as in {@link Session#state(String)}
   * @param kind h, c, m, v or s
   * @param width number of values
   */
  public record Part(String name, char kind, int width) {
    static Part of(StatePart part) {
      return new Part(part.name(), part.kind().letter(), part.width());
    }

    /** Whether every plan of the model keeps it. */
    boolean lasts() {
      return kind != StatePart.Kind.SENT.letter();
    }

    /** Name, kind where the name does not end with it, and width; without control characters. */
    @Override
    public String toString() {
      String printed = name.replaceAll("[\\p{Cntrl}\\p{Cf}]", "?");
      return name.endsWith("." + kind)
          ? "%s (%s)".formatted(printed, Integer.toString(width))
          : "%s (%s, of kind %s)".formatted(printed, Integer.toString(width), printable(kind));
    }

    private static String printable(char kind) {
      return kind > ' ' && kind < 0x7f ? String.valueOf(kind) : "0x" + Integer.toHexString(kind);
    }
  }

  /**
   * Reads what a snapshot is of, without a model.
   *
   * @throws IllegalArgumentException if the bytes are no snapshot, damaged, or of an unknown
   *     version
   */
  public static Description describe(byte[] snapshot) {
    return header(checked(snapshot.clone()));
  }

  static byte[] encode(
      long fingerprint, List<StatePart> parts, Function<StatePart, float[]> values) {
    List<byte[]> names =
        parts.stream().map(part -> part.name().getBytes(StandardCharsets.UTF_8)).toList();
    int length = HEADER_BYTES + CHECKSUM_BYTES;
    for (int i = 0; i < parts.size(); i++) {
      length += LEAST_PART_BYTES + names.get(i).length + 4 * parts.get(i).width();
    }
    ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(MAGIC).putInt(VERSION).putLong(fingerprint).putInt(parts.size());
    for (int i = 0; i < parts.size(); i++) {
      StatePart part = parts.get(i);
      bytes.put((byte) part.kind().letter());
      bytes.putInt(names.get(i).length).put(names.get(i)).putInt(part.width());
    }
    for (StatePart part : parts) {
      for (float value : values.apply(part)) {
        bytes.putFloat(value);
      }
    }
    bytes.putInt(checksum(bytes.array(), bytes.position()));
    return bytes.array();
  }

  /** The values of {@code parts}, each checked. */
  static float[][] decode(byte[] snapshot, Model model, List<StatePart> parts) {
    ByteBuffer bytes = checked(snapshot.clone());
    Description header = header(bytes);
    requireModel(header, model, parts);
    Map<Part, float[]> values = new HashMap<>();
    List<Part> held = header.version() == 1 ? lasting(parts) : header.parts();
    for (Part part : held) {
      float[] of = new float[part.width()];
      for (int k = 0; k < of.length; k++) {
        of[k] = bytes.getFloat();
      }
      if (header.version() == 1) {
        bytes.position(bytes.position() + 4 * (version1Floats(part.width()) - part.width()));
      }
      values.put(part, of);
    }
    float[][] state = new float[parts.size()][];
    for (int i = 0; i < state.length; i++) {
      StatePart part = parts.get(i);
      state[i] = values.getOrDefault(Part.of(part), new float[part.width()]);
      for (int k = 0; k < part.width(); k++) {
        check(part, k, state[i][k]);
      }
    }
    return state;
  }

  /** What every plan of a model keeps: all but the values sent last, which are zeros without it. */
  private static List<Part> lasting(List<StatePart> parts) {
    return parts.stream().map(Part::of).filter(Part::lasts).toList();
  }

  /** The bytes behind magic and version, if the checksum holds. */
  private static ByteBuffer checked(byte[] snapshot) {
    ByteBuffer bytes = ByteBuffer.wrap(snapshot).order(ByteOrder.LITTLE_ENDIAN);
    if (snapshot.length < HEADER_BYTES + CHECKSUM_BYTES || bytes.getInt() != MAGIC) {
      throw new IllegalArgumentException(
          "these %d bytes are not a snapshot".formatted(snapshot.length));
    }
    int version = bytes.getInt();
    if (version < 1 || version > VERSION) {
      throw new IllegalArgumentException(
          "snapshot version %d is not known; this library reads versions 1 to %d"
              .formatted(version, VERSION));
    }
    int payload = snapshot.length - CHECKSUM_BYTES;
    if (bytes.getInt(payload) != checksum(snapshot, payload)) {
      throw new IllegalArgumentException("the snapshot is damaged: its checksum does not match");
    }
    return bytes.position(4).limit(payload);
  }

  /** Reads up to the first value. Counts are held against the bytes before they are believed. */
  private static Description header(ByteBuffer bytes) {
    int version = bytes.getInt();
    long fingerprint = bytes.getLong();
    int count = bytes.getInt();
    if (version == 1) {
      requireValues(count, bytes);
      return new Description(version, fingerprint, List.of(), count);
    }
    if (count < 0 || count > bytes.remaining() / LEAST_PART_BYTES) {
      throw malformed("it claims %d parts in %d bytes", count, bytes.remaining());
    }
    List<Part> parts = new ArrayList<>(count);
    long values = 0;
    for (int i = 0; i < count; i++) {
      if (bytes.remaining() < LEAST_PART_BYTES) {
        throw malformed("it ends within part %d of %d", i, count);
      }
      char kind = (char) (bytes.get() & 0xff);
      int nameBytes = bytes.getInt();
      if (nameBytes < 0 || nameBytes > bytes.remaining() - 4) {
        throw malformed("the name of part %d has %d bytes, more than are left", i, nameBytes);
      }
      byte[] name = new byte[nameBytes];
      bytes.get(name);
      int width = bytes.getInt();
      if (width < 0) {
        throw malformed("part %d has %d values", i, width);
      }
      parts.add(new Part(new String(name, StandardCharsets.UTF_8), kind, width));
      values += width;
    }
    requireValues(values, bytes);
    return new Description(version, fingerprint, List.copyOf(parts), (int) values);
  }

  private static void requireValues(long count, ByteBuffer bytes) {
    if (4 * count != bytes.remaining()) {
      throw malformed("it claims %d values in %d bytes", count, bytes.remaining());
    }
  }

  private static IllegalArgumentException malformed(String what, Object... numbers) {
    return new IllegalArgumentException(
        "the snapshot is malformed: " + String.format(Locale.ROOT, what, numbers));
  }

  private static void requireModel(Description header, Model model, List<StatePart> parts) {
    List<Part> kept = lasting(parts);
    List<Part> held = header.parts().stream().filter(Part::lasts).toList();
    boolean former = header.version() == 1;
    if (former && !model.isChain()) {
      throw new IllegalArgumentException(
          "the snapshot is of version 1, which knew no graphs, and this model is one; take a new one");
    }
    long fingerprint = former ? model.formerFingerprint() : model.fingerprint();
    if (header.fingerprint() != fingerprint) {
      throw new IllegalArgumentException(
          "the snapshot is of another model: it is a %s; this model is %016x and keeps %s. Restore"
                  .formatted(header, fingerprint, listed(kept))
              + " it under the weights it was taken with, or take the values you can use with"
              + " state(name)");
    }
    // Without any state there was one float all the same.
    int values =
        former
            ? Math.max(1, kept.stream().mapToInt(part -> version1Floats(part.width())).sum())
            : 0;
    if (former ? header.values() != values : !held.equals(kept)) {
      throw new IllegalArgumentException(
          "the snapshot is of this model under another plan: it holds %s, this plan keeps %s."
                  .formatted(
                      former ? header.values() + " values" : listed(header.parts()),
                      former ? values + " values" : listed(kept))
              + " Compile with the Skipping that it was taken with");
    }
  }

  private static int version1Floats(int width) {
    return Math.ceilDiv(width, VERSION_1_PADDING) * VERSION_1_PADDING;
  }

  private static String listed(List<Part> parts) {
    return parts.isEmpty()
        ? "nothing"
        : parts.stream().map(Part::toString).collect(Collectors.joining(", "));
  }

  /** Refuses what no state can be. */
  static void check(StatePart part, int i, float value) {
    if (!part.allows(value)) {
      throw new IllegalArgumentException(
          "value %d of %s is %s; expected %s within plus and minus %s%s"
              .formatted(
                  i,
                  part.name(),
                  value,
                  part.kind() == StatePart.Kind.SENT ? "a whole number" : "a number",
                  part.bound(),
                  canBeWidened(part, value)
                      ? "; compile with PlanOptions.withStateBound to set more"
                      : ""));
    }
  }

  private static boolean canBeWidened(StatePart part, float value) {
    return Float.isFinite(value)
        && (part.kind() == StatePart.Kind.HIDDEN || part.kind() == StatePart.Kind.CELLS);
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
