package io.github.stillgate.kernel.ffm;

import java.lang.invoke.MethodHandle;

/** Products over float32. */
final class ProductsF32 implements Products {
  private static final MethodHandle ROWS = NativeLibrary.handle(Export.MULTIPLY_ROWS_F32);
  private static final MethodHandle ROWS_BATCH =
      NativeLibrary.handle(Export.MULTIPLY_ROWS_BATCH_F32);
  private static final MethodHandle ALL_ROWS_BATCH =
      NativeLibrary.handle(Export.MULTIPLY_ALL_ROWS_BATCH_F32);
  private static final MethodHandle PANELS = NativeLibrary.handle(Export.MULTIPLY_PANELS_F32);
  private static final MethodHandle PANELS_BATCH =
      NativeLibrary.handle(Export.MULTIPLY_PANELS_BATCH_F32);

  @Override
  public void multiplyRows(long pack, long groups, long count, long addresses) {
    try {
      ROWS.invokeExact(pack, groups, count, addresses);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  @Override
  public void multiplyRowsBatch(
      long pack, long from, long to, long starts, long members, long addresses, long capacity) {
    try {
      ROWS_BATCH.invokeExact(pack, from, to, starts, members, addresses, capacity);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  @Override
  public void multiplyAllRowsBatch(
      long pack, long from, long to, long streams, long addresses, long capacity) {
    try {
      ALL_ROWS_BATCH.invokeExact(pack, from, to, streams, addresses, capacity);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  @Override
  public void multiplyPanels(long pack, long groups, long count, long addresses) {
    try {
      PANELS.invokeExact(pack, groups, count, addresses);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }

  @Override
  public void multiplyPanelsBatch(
      long pack, long from, long to, long starts, long members, long addresses, long capacity) {
    try {
      PANELS_BATCH.invokeExact(pack, from, to, starts, members, addresses, capacity);
    } catch (Throwable e) {
      throw Kernels.unexpected(e);
    }
  }
}
