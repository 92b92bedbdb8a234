# frozen_string_literal: true

# An application with very many lukewarm methods, as large applications have: called often enough to be warm (their inline caches
# filled, their memos set), too seldom to be hot.
#
#   METHODS=50000 SLICE=400 pitchfork bench/apps/methods.ru
#
# A request to /N calls SLICE methods, picked from all of them by N; the same N picks the same methods, in every server.
# Whatever is filled in by a first call (constant caches, call caches, instance variables, YJIT's call counters and machine code)
# is a write into memory that a worker shares with its siblings until then.

METHODS = Integer(ENV.fetch("METHODS", 50_000))
SLICE = Integer(ENV.fetch("SLICE", 400))
PER_MODEL = 50

# What every generated class has in common.
class Model
  LIMIT = 1_000

  attr_reader :base

  def initialize(number)
    @base = number
    @label = nil
  end
end

MODELS = Array.new(METHODS / PER_MODEL) do |number|
  methods = Array.new(PER_MODEL) do |index|
    <<~RUBY
      def value_#{index}(seed)
        total = seed + @base + #{index}
        total -= Model::LIMIT if total > Model::LIMIT
        @label ||= "model #{number}"
        total + @label.length + base
      end
    RUBY
  end
  Class.new(Model) { class_eval(methods.join, "model_#{number}.rb", 1) }.new(number)
end.freeze

NAMES = Array.new(PER_MODEL) { |index| :"value_#{index}" }.freeze

# A full-period generator (Hull-Dobell) modulo 2**32: consecutive picks are far apart, and no Random object is allocated.
pick = ->(state) { ((state * 1_664_525) + 1_013_904_223) & 0xffff_ffff }

run(lambda do |env|
  seed = env["PATH_INFO"].delete_prefix("/").to_i
  state = pick.(seed)
  total = 0
  SLICE.times do
    state = pick.(state)
    model, name = ((state >> 8) % METHODS).divmod(PER_MODEL)
    total += MODELS[model].public_send(NAMES[name], seed)
  end
  body = "#{total}\n"
  [200, { "content-type" => "text/plain", "content-length" => body.bytesize.to_s }, [body]]
end)
