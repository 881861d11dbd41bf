/** The reference backend: plain Java, complete, and the order of every sum written out. */
@NullMarked
package io.github.stillgate.core.kernel.reference;

import org.jspecify.annotations.NullMarked;
