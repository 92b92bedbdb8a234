# frozen_string_literal: true

require "fiddle"

# Where objects are, and the contents of large ones, which lie in memory of their own outside of the GC's heap.
module Addresses
  # Offset of the pointer to the elements in struct RArray, after flags, class, length and capacity. The same in all
  # Rubies from 1.9 on.
  ELEMENTS = 4 * Fiddle::SIZEOF_VOIDP

  # @return [Integer] the object's address, until the next compaction
  def address_of(object)
    Fiddle.dlwrap(object)
  end

  # @return [Range<Integer>] the addresses of the string's bytes
  def bytes_of(string)
    address = [string].pack("p").unpack1("J")
    address...(address + string.bytesize)
  end

  # @return [Range<Integer>] the addresses of the array's elements, and of some that it may get
  def elements_of(array, more: 0)
    address = Fiddle::Pointer.new(address_of(array))[ELEMENTS, Fiddle::SIZEOF_VOIDP].unpack1("J")
    address...(address + ((array.size + more) * Fiddle::SIZEOF_VOIDP))
  end
end
