/** Keras models in HDF5. */
@NullMarked
package io.github.stillgate.importers.keras;

import org.jspecify.annotations.NullMarked;
