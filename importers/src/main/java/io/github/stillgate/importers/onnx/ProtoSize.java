package io.github.stillgate.importers.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.WireFormat;
import java.io.IOException;

/**
 * Counts what a protobuf message holds before it is parsed: an empty message takes two bytes in a
 * file and a hundred in memory. The count allocates nothing.
 */
final class ProtoSize {
  /** Messages and strings in a file. Graphs of large language models have a third of it. */
  static final int MOST_PARTS = 1 << 20;

  /** Messages within messages; parsers of protobuf stop there. */
  static final int DEEPEST = 100;

  /** Whole numbers of 64 bits in lists: one takes a byte in a file and eight in memory. */
  static final int MOST_LONGS = 1 << 22;

  /** Those of 32 bits, if a file is not so large that this is less than one for two bytes. */
  static final int LEAST_INTS = 1 << 22;

  private final byte[] bytes;
  private final CodedInputStream in;
  private int parts;
  private long longs;
  private long ints;

  private ProtoSize(byte[] bytes) {
    this.bytes = bytes;
    this.in = CodedInputStream.newInstance(bytes);
  }

  /** What a message holds. */
  enum Verdict {
    /** Few enough parts to be parsed. */
    FITS,
    /** More than {@link #MOST_PARTS}. */
    TOO_MANY_PARTS,
    /** More than {@link #MOST_LONGS}. */
    TOO_MANY_LONGS,
    /** More than {@link ProtoSize#mostInts}. */
    TOO_MANY_INTS,
    /** More than {@link #DEEPEST} levels. */
    TOO_DEEP
  }

  /**
   * Whether a message of {@code type} may be parsed.
   *
   * @throws IOException if it is no message
   */
  static Verdict of(byte[] bytes, Descriptor type) throws IOException {
    return new ProtoSize(bytes).count(type, 0);
  }

  /** Whole numbers of 32 bits in lists of a file: weights of 16 bits take three bytes each. */
  static int mostInts(int fileBytes) {
    return Math.max(LEAST_INTS, fileBytes / 2);
  }

  private Verdict count(Descriptor type, int depth) throws IOException {
    if (depth >= DEEPEST) {
      return Verdict.TOO_DEEP;
    }
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      FieldDescriptor field = type.findFieldByNumber(WireFormat.getTagFieldNumber(tag));
      boolean delimited = WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
      boolean message =
          field != null && delimited && field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      if (field == null || delimited && !isPacked(field)) {
        parts++;
      }
      if (parts > MOST_PARTS) {
        return Verdict.TOO_MANY_PARTS;
      }
      if (message) {
        int limit = in.pushLimit(in.readRawVarint32());
        Verdict verdict = count(field.getMessageType(), depth + 1);
        if (verdict != Verdict.FITS) {
          return verdict;
        }
        in.popLimit(limit);
      } else if (field != null && isPacked(field)) {
        countNumbers(field, tag);
        if (longs > MOST_LONGS) {
          return Verdict.TOO_MANY_LONGS;
        }
        if (ints > mostInts(bytes.length)) {
          return Verdict.TOO_MANY_INTS;
        }
      } else if (!in.skipField(tag)) {
        return Verdict.FITS;
      }
    }
    return Verdict.FITS;
  }

  /** Skips a list of numbers, or one of its elements, and counts those of varying length. */
  private void countNumbers(FieldDescriptor field, int tag) throws IOException {
    int found = 1;
    if (WireFormat.getTagWireType(tag) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
      int length = in.readRawVarint32();
      int from = in.getTotalBytesRead();
      in.skipRawBytes(length);
      // The last byte of each is below 128.
      found = 0;
      for (int i = from; i < from + length; i++) {
        found += bytes[i] >= 0 ? 1 : 0;
      }
    } else {
      in.skipField(tag);
    }
    switch (field.getJavaType()) {
      case LONG -> longs += found;
      case INT, ENUM, BOOLEAN -> ints += found;
      default -> {}
    }
  }

  private static boolean isPacked(FieldDescriptor field) {
    return field.isRepeated() && field.isPackable();
  }
}
