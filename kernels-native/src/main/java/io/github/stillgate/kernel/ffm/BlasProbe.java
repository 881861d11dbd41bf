package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.kernel.ffm.BlasIdentity.Kind;
import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Sets a library to one thread, and asks it by its own functions who it is. */
final class BlasProbe {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final long LONGEST_TEXT = 1024;
  private static final AddressLayout TEXT =
      ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(LONGEST_TEXT, JAVA_BYTE));

  private final SymbolLookup symbols;

  private BlasProbe(SymbolLookup symbols) {
    this.symbols = symbols;
  }

  /**
   * One thread from here on, and the identity.
   *
   * @param name file name or path the library was opened by, for where the system does not tell
   */
  static BlasIdentity setToOneThread(String name, SymbolLookup symbols) {
    return new BlasProbe(symbols).probe(name);
  }

  private BlasIdentity probe(String name) {
    String file = file().orElse(name);
    if (has("openblas_get_config")) {
      setThreads("openblas_set_num_threads");
      return new BlasIdentity(
          Kind.OPENBLAS,
          openBlasVersion(text("openblas_get_config")),
          has("openblas_get_corename") ? text("openblas_get_corename") : null,
          threads("openblas_get_num_threads"),
          file);
    }
    if (has("MKL_Get_Version")) {
      setThreads("MKL_Set_Num_Threads");
      return mkl(file);
    }
    if (has("bli_info_get_version_str")) {
      return blis(file);
    }
    // Variables of netlib's C interface, which no other library makes visible without a name.
    boolean reference = has("RowMajorStrg") && has("CBLAS_CallFromC");
    return reference
        ? new BlasIdentity(Kind.REFERENCE, null, null, 1, file)
        : new BlasIdentity(Kind.UNKNOWN, null, null, null, file);
  }

  /** The word behind "OpenBLAS", which very old versions leave out. */
  static @Nullable String openBlasVersion(String config) {
    String[] words = config.strip().split("\\s+");
    return words.length > 1 && words[0].equals("OpenBLAS") && words[1].matches("\\d.*")
        ? words[1]
        : null;
  }

  /** Fields of MKLVersion: three ints and, behind a gap of one, four texts. */
  private BlasIdentity mkl(String file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment version = arena.allocate(16 + 4 * ADDRESS.byteSize(), 8);
      handle("MKL_Get_Version", FunctionDescriptor.ofVoid(ADDRESS)).invokeExact(version);
      String processor = version.get(TEXT, 16 + 2 * ADDRESS.byteSize()).getString(0);
      return new BlasIdentity(
          Kind.MKL,
          "%d.%d.%d"
              .formatted(
                  version.get(JAVA_INT, 0), version.get(JAVA_INT, 4), version.get(JAVA_INT, 8)),
          processor.replace(" enabled processors", "").replace("(R)", "").strip(),
          threads("MKL_Get_Max_Threads"),
          file);
    } catch (Throwable e) {
      throw new AssertionError("asking for a version throws nothing", e);
    }
  }

  private BlasIdentity blis(String file) {
    try {
      if (has("bli_thread_set_num_threads")) {
        handle("bli_thread_set_num_threads", FunctionDescriptor.ofVoid(JAVA_LONG)).invokeExact(1L);
      }
      String core = null;
      if (has("bli_arch_query_id") && has("bli_arch_string")) {
        int id = (int) handle("bli_arch_query_id", FunctionDescriptor.of(JAVA_INT)).invokeExact();
        MemorySegment text =
            (MemorySegment)
                handle("bli_arch_string", FunctionDescriptor.of(TEXT, JAVA_INT)).invokeExact(id);
        core = text.getString(0);
      }
      Integer threads = null;
      if (has("bli_thread_get_num_threads")) {
        threads =
            Math.toIntExact(
                (long)
                    handle("bli_thread_get_num_threads", FunctionDescriptor.of(JAVA_LONG))
                        .invokeExact());
      }
      // Minus one is BLIS's "not set", which is one thread.
      return new BlasIdentity(
          Kind.BLIS,
          text("bli_info_get_version_str"),
          core,
          threads != null && threads < 1 ? Integer.valueOf(1) : threads,
          file);
    } catch (Throwable e) {
      throw new AssertionError("asking for a version throws nothing", e);
    }
  }

  private boolean has(String function) {
    return symbols.find(function).isPresent();
  }

  private MethodHandle handle(String function, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(symbols.findOrThrow(function), descriptor);
  }

  private void setThreads(String function) {
    if (!has(function)) {
      return;
    }
    try {
      handle(function, FunctionDescriptor.ofVoid(JAVA_INT)).invokeExact(1);
    } catch (Throwable e) {
      throw new AssertionError("setting a thread count throws nothing", e);
    }
  }

  private @Nullable Integer threads(String function) {
    if (!has(function)) {
      return null;
    }
    try {
      return (int) handle(function, FunctionDescriptor.of(JAVA_INT)).invokeExact();
    } catch (Throwable e) {
      throw new AssertionError("asking for a thread count throws nothing", e);
    }
  }

  private String text(String function) {
    try {
      MemorySegment text =
          (MemorySegment) handle(function, FunctionDescriptor.of(TEXT)).invokeExact();
      return text.address() == 0 ? "" : text.getString(0);
    } catch (Throwable e) {
      throw new AssertionError("asking for a text throws nothing", e);
    }
  }

  /** The file that holds the library's product, links followed, where the C library can tell. */
  private Optional<String> file() {
    Optional<MemorySegment> dladdr = LINKER.defaultLookup().find("dladdr");
    Optional<MemorySegment> product = symbols.find("cblas_sgemv");
    if (dladdr.isEmpty() || product.isEmpty()) {
      return Optional.empty();
    }
    try (Arena arena = Arena.ofConfined()) {
      // Dl_info: the file's name comes first of four addresses.
      MemorySegment info = arena.allocate(4 * ADDRESS.byteSize(), 8);
      int found =
          (int)
              LINKER
                  .downcallHandle(dladdr.get(), FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS))
                  .invokeExact(product.get(), info);
      MemorySegment name = info.get(TEXT, 0);
      if (found == 0 || name.address() == 0) {
        return Optional.empty();
      }
      Path path = Path.of(name.getString(0));
      try {
        return Optional.of(path.toRealPath().toString());
      } catch (IOException moved) {
        return Optional.of(path.toString());
      }
    } catch (Throwable e) {
      throw new AssertionError("dladdr throws nothing", e);
    }
  }
}
