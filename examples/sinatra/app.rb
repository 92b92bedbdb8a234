# frozen_string_literal: true

require "json"
require "securerandom"
require "sinatra/base"

# A guestbook of one's own: what a visitor writes is in the visitor's session, so it survives every refork.
class Guestbook < Sinatra::Base
  enable :sessions
  # Read once, in the mold that boots: all generations forked from it sign with the same secret. config/pitchfork.rb sets it in
  # the environment, so that a mold booted later has it too.
  set :session_secret, ENV.fetch("SESSION_SECRET") { SecureRandom.hex(64) }

  get "/" do
    session[:visits] = session.fetch(:visits, 0) + 1
    erb :index, locals: { visits: session[:visits], lines: session.fetch(:lines, []) }
  end

  post "/" do
    # A cookie holds 4 KiB: keep the last few lines, cut.
    session[:lines] = [*session[:lines], params.fetch("line", "")[0, 80]].last(10)
    redirect to("/")
  end

  get "/process.json" do
    content_type :json
    worker = env["pitchfork.worker"]
    JSON.generate(pid: Process.pid, worker: worker&.nr, generation: worker&.generation, visits: session.fetch(:visits, 0))
  end

  template :index do
    <<~HTML
      <!DOCTYPE html>
      <title>Guestbook</title>
      <h1>Visit <%= visits %></h1>
      <ul><% lines.each do |line| %><li><%= Rack::Utils.escape_html(line) %></li><% end %></ul>
      <form method="post"><input name="line" autofocus><button>Write</button></form>
    HTML
  end
end
