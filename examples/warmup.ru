# frozen_string_literal: true

# An application that gets warm by serving: bin/demo shows with it what reforking saves.
#
#   pitchfork examples/warmup.ru          then: curl http://127.0.0.1:8080/items/42
#
# It does on a small scale what large applications do on a large one. The first request for an item computes it and keeps it
# (memoized instance variables, a cache), and runs methods that have not run before (inline caches, and machine code with YJIT).
# Every worker does all this again for itself; workers forked from a worker that has done it find it in memory they share.

CATEGORIES = 400
ITEMS = 1_000

# A category is priced by its own generated methods, so that there are many methods, each called now and then.
class Category
  VAT = 1.19

  def self.build(number)
    steps = Array.new(10) do |step|
      "def step_#{step}(price) = ((price + #{number + step}) * VAT).round(2) - (@discount ||= #{number % 7})"
    end
    Class.new(self) { class_eval(steps.join("\n"), "category_#{number}.rb", 1) }.new
  end

  def price(base)
    10.times.sum { |step| public_send(:"step_#{step}", base) }
  end
end

# What the application sells.
class Catalogue
  Item = Struct.new(:name, :price, :words) do
    # The page is rendered once, too.
    def page
      @page ||= "<h1>#{name}</h1><p>#{format("%.2f", price)}</p><p>#{words.join(" ")}</p>\n"
    end
  end

  def initialize
    @categories = Array.new(CATEGORIES) { |number| Category.build(number) }
    @items = {}
  end

  # Computed by the first request for it, kept for ever.
  def item(number)
    @items[number] ||= begin
      price = @categories[number % CATEGORIES].price(number)
      words = Array.new(600) { |index| "word-#{number}-#{index}" }
      Item.new("Item #{number}", price, words)
    end
  end

  def size
    @items.size
  end
end

catalogue = Catalogue.new

run(lambda do |env|
  number = env["PATH_INFO"][%r{\A/items/(\d+)\z}, 1]
  body = if number
           catalogue.item(number.to_i % ITEMS).page
         else
           "<p>#{catalogue.size} of #{ITEMS} items are warm in process #{Process.pid}: try /items/42</p>\n"
         end
  [200, { "content-type" => "text/html", "content-length" => body.bytesize.to_s }, [body]]
end)
