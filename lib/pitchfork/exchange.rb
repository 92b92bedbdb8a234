# frozen_string_literal: true

require "pitchfork/early_hints"
require "pitchfork/rack_env"
require "pitchfork/response"

module Pitchfork
  # A request and its response: calls the app, sends what it returned, and sees to it that all ends once, however it ends.
  class Exchange
    def initialize(server, worker)
      @server = server
      @worker = worker
      @app = server.app
      configuration = server.configuration
      @rack = RackEnv.adapter(configuration)
      @early_hints = configuration.early_hints
      @after = configuration.callback(:after_request_complete)
    end

    # @param client [Client] with a request that nobody has seen
    def call(client)
      env = client.env
      # The app may put others in their places.
      finished = env["rack.response_finished"]
      input = complete(client, env) unless client.plain?
      env["rack.early_hints"] = EarlyHints.new(client) if @early_hints
      status, headers, body = @app.call(env)
      return if client.hijacked?

      # Which closes what it was made of (Rack's SPEC, "The Body"): from here on the Array stands for it.
      body = body.to_ary unless Array === body || !Response.list?(body)
      Response.deliver(client, env, status, headers, body)
    rescue ClientShutdown => e
      error = e # it is gone, or what it sent can't be read: nobody here is to blame
      client.refuse(e.status)
    rescue AppError => e
      error = e
      @server.report(failed(env), e)
      client.refuse(500)
    ensure
      close(body)
      client.close
      input&.close
      finish(finished, env, status, headers, error) unless finished.nil? || finished.empty?
      @server.notify(:after_request_complete, @worker, env) if @after
      clean(env) if env&.key?("rack.tempfiles")
    end

    private

    # @return [#close, nil] rack.input
    def complete(client, env)
      @rack.complete(env)
      env["rack.input"] = @rack.input(client) if client.body?
    end

    def clean(env)
      RackEnv.clean(env) { |e| @server.report("closing rack.tempfiles failed", e) }
    rescue AppError => e
      @server.report("env[\"rack.tempfiles\"] is no list of files", e)
    end

    def close(body)
      body.close if body.respond_to?(:close)
    rescue AppError => e
      @server.report("closing the response body failed", e)
    end

    # Last registered, first called. Those of Rack 2 take no arguments.
    def finish(callbacks, env, status, headers, error)
      callbacks.reverse_each do |callback|
        takes_none?(callback) ? callback.call : callback.call(env, status, headers, error)
      rescue AppError => e
        @server.report("rack.response_finished raised", e)
      end
    end

    # Not every callable says its arity: Rack 3.2's TempfileReaper registers a class, whose `call` takes all. One that
    # answers `call` by method_missing says nothing.
    def takes_none?(callback)
      callable = callback.respond_to?(:arity) ? callback : callback.method(:call)
      callable.arity.zero?
    rescue NameError
      false
    end

    # @return [Array<String>] for the log
    def failed(env)
      env ? [*RackEnv.describe(env), " failed"] : ["request failed"]
    end
  end
end
