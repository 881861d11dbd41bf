package io.github.stillgate.core.weights;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Element types a weights file may hold, by their names in the safetensors format. */
public enum DType {
  F32(4),
  F64(8),
  F16(2),
  BF16(2),
  I8(1),
  U8(1),
  I16(2),
  U16(2),
  I32(4),
  U32(4),
  I64(8),
  U64(8),
  BOOL(1);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }

  static DType parse(String name) {
    for (DType type : values()) {
      if (type.name().equals(name)) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        "unknown dtype \"%s\" (known: %s)"
            .formatted(
                name, Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "))));
  }
}
