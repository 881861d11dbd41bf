package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.Availability;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.jspecify.annotations.Nullable;

/**
 * Finds and opens the C library: {@code -Dstillgate.native.library=PATH} if given, else the one
 * inside this jar, copied to the temporary directory for as long as it takes to open it. {@code
 * -Dstillgate.native.tier=avx2} caps the instruction set; a cap can only go down.
 */
final class NativeLibrary {
  static final String LIBRARY_PROPERTY = "stillgate.native.library";
  static final String TIER_PROPERTY = "stillgate.native.tier";

  private static final NativeLibrary LOADED = load();

  private final @Nullable SymbolLookup symbols;
  private final Availability availability;

  private NativeLibrary(@Nullable SymbolLookup symbols, Availability availability) {
    this.symbols = symbols;
    this.availability = availability;
  }

  static Availability availability() {
    return LOADED.availability;
  }

  /** The address of the kernel {@code sg_name}; only when usable. */
  static MemorySegment kernel(String name) {
    SymbolLookup symbols = LOADED.symbols;
    if (symbols == null) {
      throw new IllegalStateException(LOADED.availability.toString());
    }
    return symbols.findOrThrow("sg_" + name);
  }

  private static NativeLibrary load() {
    Module module = NativeLibrary.class.getModule();
    try {
      SymbolLookup symbols = open();
      if (symbols == null) {
        return unusable(
            "this build has no C library for " + platform(),
            "install gcc, cmake and make and build again, or name one with -D"
                + LIBRARY_PROPERTY
                + "=PATH");
      }
      String cap = System.getProperty(TIER_PROPERTY, "").strip();
      String tier = chooseTier(symbols, cap);
      if (tier == null) {
        return unusable(
            "no instruction set with fused multiply-add on this CPU"
                + (cap.isEmpty() ? "" : " at or below -D" + TIER_PROPERTY + "=" + cap),
            cap.isEmpty() ? "use the reference backend" : "known tiers: avx512, avx2, neon");
      }
      return new NativeLibrary(symbols, Availability.usable(tier));
    } catch (IllegalCallerException denied) {
      return unusable(
          "native access is denied to " + (module.isNamed() ? module.getName() : "the class path"),
          "add --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED"));
    } catch (IOException | IllegalArgumentException | UnsatisfiedLinkError failure) {
      return unusable(
          "the C library could not be opened (" + failure.getMessage() + ")",
          "if the temporary directory forbids execution, choose another with -Djava.io.tmpdir, or"
              + " name the library with -D"
              + LIBRARY_PROPERTY
              + "=PATH");
    }
  }

  private static NativeLibrary unusable(String reason, String cure) {
    return new NativeLibrary(null, Availability.unusable(reason, cure));
  }

  private static @Nullable SymbolLookup open() throws IOException {
    String named = System.getProperty(LIBRARY_PROPERTY);
    if (named != null) {
      return SymbolLookup.libraryLookup(Path.of(named), Arena.global());
    }
    String file = System.mapLibraryName("stillgate");
    try (InputStream packaged = NativeLibrary.class.getResourceAsStream("lib/" + file)) {
      if (packaged == null) {
        return null;
      }
      Path copy = Files.createTempFile("stillgate-", "-" + file);
      try {
        Files.copy(packaged, copy, StandardCopyOption.REPLACE_EXISTING);
        return SymbolLookup.libraryLookup(copy, Arena.global());
      } finally {
        // Windows keeps an open library's file; everywhere else it may go as soon as it is mapped.
        if (!copy.toFile().delete()) {
          copy.toFile().deleteOnExit();
        }
      }
    }
  }

  private static @Nullable String chooseTier(SymbolLookup symbols, String cap) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name =
          (MemorySegment)
              Linker.nativeLinker()
                  .downcallHandle(
                      symbols.findOrThrow("sg_choose_tier"),
                      FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS))
                  .invokeExact(arena.allocateFrom(cap));
      return name.address() == 0 ? null : name.reinterpret(16).getString(0);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError("a downcall throws nothing checked", e);
    }
  }

  private static String platform() {
    return System.getProperty("os.name") + " " + System.getProperty("os.arch");
  }
}
