package io.github.stillgate.importers.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.Parser;
import com.google.protobuf.UnsafeByteOperations;
import io.github.stillgate.core.weights.FileKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Parses what ONNX stores, within limits. */
final class OnnxProto {
  private static final int SHOWN = 8;

  private OnnxProto() {}

  /**
   * The message in {@code bytes}, which it goes on using.
   *
   * @param file for messages
   * @param what for messages
   * @throws OnnxFormatException if it is none, or has more parts or levels than {@link ProtoSize}
   *     allows
   */
  static <M> M parse(Path file, byte[] bytes, String what, Parser<M> parser, Descriptor type) {
    try {
      switch (ProtoSize.of(bytes, type)) {
        case TOO_MANY_PARTS ->
            throw new UnsupportedOnnxException(
                file,
                "has more than %d nodes, tensors, attributes and names; supported are that many"
                    .formatted(ProtoSize.MOST_PARTS));
        case TOO_MANY_LONGS ->
            throw new UnsupportedOnnxException(
                file,
                "lists more than %d whole numbers of 64 bits (in attributes, sizes and tensors);"
                        .formatted(ProtoSize.MOST_LONGS)
                    + " supported are that many, store tensors as raw_data");
        case TOO_MANY_INTS ->
            throw new UnsupportedOnnxException(
                file,
                "lists more than %d whole numbers of 32 bits in %d bytes; supported are that many,"
                        .formatted(ProtoSize.mostInts(bytes.length), bytes.length)
                    + " store tensors as raw_data");
        case TOO_DEEP ->
            throw new UnsupportedOnnxException(
                file,
                "nests graphs deeper than %d messages, which no parser takes"
                    .formatted(ProtoSize.DEEPEST));
        case FITS -> {
          return parser.parseFrom(input(bytes), ExtensionRegistryLite.getEmptyRegistry());
        }
      }
    } catch (IOException e) {
      FileKind kind = FileKind.of(Arrays.copyOf(bytes, Math.min(bytes.length, FileKind.LOOKS_AT)));
      throw new OnnxFormatException(
          file,
          switch (kind) {
            case ONNX, UNKNOWN ->
                "truncated, or not %s (%d bytes, the first are %s); export or fetch it again"
                    .formatted(what, bytes.length, begin(bytes));
            default -> "%s; %s".formatted(kind.what(), kind.cure());
          },
          e);
    }
    throw new AssertionError(List.of(ProtoSize.Verdict.values()));
  }

  /** Its byte strings are views of {@code bytes}. */
  private static CodedInputStream input(byte[] bytes) {
    CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
    in.enableAliasing(true);
    return in;
  }

  private static String begin(byte[] bytes) {
    return HexFormat.ofDelimiter(" ").formatHex(bytes, 0, Math.min(SHOWN, bytes.length));
  }
}
