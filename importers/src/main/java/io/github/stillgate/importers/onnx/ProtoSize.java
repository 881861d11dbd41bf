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

  private final CodedInputStream in;
  private int parts;

  private ProtoSize(CodedInputStream in) {
    this.in = in;
  }

  /** What a message holds. */
  enum Verdict {
    /** Few enough parts to be parsed. */
    FITS,
    /** More than {@link #MOST_PARTS}. */
    TOO_MANY_PARTS,
    /** More than {@link #DEEPEST} levels. */
    TOO_DEEP
  }

  /**
   * Whether a message of {@code type} may be parsed.
   *
   * @throws IOException if it is no message
   */
  static Verdict of(CodedInputStream in, Descriptor type) throws IOException {
    ProtoSize size = new ProtoSize(in);
    return size.count(type, 0);
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
      } else if (!in.skipField(tag)) {
        return Verdict.FITS;
      }
    }
    return Verdict.FITS;
  }

  private static boolean isPacked(FieldDescriptor field) {
    return field.isRepeated() && field.isPackable();
  }
}
