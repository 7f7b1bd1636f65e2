/**
 * Text that checkpoints, messages and pending writes have in common, for deflate to refer back to. A single
 * one of them is too short to repeat much of itself. The most frequent text stands last.
 *
 * Never change a character of it: everything that was stored with it would become unreadable. A better
 * dictionary needs a BSON subtype of its own, next to this one.
 */
export const DICTIONARY: Uint8Array = Buffer.from(
  [
    '{"$":"undefined"}{"$":"date","v":"20{"$":"map","v":[["{"$":"set","v":["{"$":"bigint","v":"',
    '{"$":"bytes","v":["Uint8Array","{"$":"error","v":["Error",{"message":"","stack":"Error: ',
    '{"$":"langchain","v":"{\\"lc\\":1,\\"type\\":\\"constructor\\",\\"id\\":[\\"langchain_core\\",',
    '"source":"input","step":-1,"parents":{}"source":"loop","step":"thread_id":"run_id":"',
    '"lg_name":"Send","node":"tools","args":{"__interrupt__","value":{"id":"goto":"update":{',
    '"type":"text","text":"","type":"image_url","image_url":{"url":"https://data:image/png;base64,',
    '"reasoning_content":"","refusal":null,"annotations":[],"logprobs":null,"audio":null,',
    '"prompt_tokens":,"completion_tokens":,"total_tokens":,"prompt_tokens_details":{"cached_tokens":',
    '"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"input_audio":',
    '"response_metadata":{"tokenUsage":{"promptTokens":,"completionTokens":,"totalTokens":},',
    '"usage":{},"finish_reason":"stop","model_provider":"openai","model_name":"gpt-4.1-mini-2025-',
    '"system_fingerprint":"fp_","usage_metadata":{"input_tokens":,"output_tokens":,"total_tokens":',
    ',"input_token_details":{"audio":0,"cache_read":0},"output_token_details":{"reasoning":0}}',
    '{"$":"message","v":["SystemMessage",{"content":"You are a helpful assistant.',
    '{"$":"message","v":["ToolMessage",{"status":"success","artifact":"tool_call_id":"call_',
    '","name":"search","metadata":{},"tool_calls":[{"name":"","args":{"query":"","type":"tool_call",',
    '"id":"call_"}],"invalid_tool_calls":[],"tool_call_chunks":[],"additional_kwargs":{"tool_calls":[',
    '{"id":"call_","type":"function","function":{"name":"","arguments":"{\\"query\\":\\"\\"}"}}],',
    '"finish_reason":"tool_calls","structuredResponse":"todos":[{"content":"status":"completed"',
    '"files":{"documents":["context":"question":"summary":"answer":"results":"error":"input":"output":',
    '[{"$":"message","v":["AIMessageChunk",{"id":"chatcmpl-","content":"","tool_call_chunks":[],',
    '[{"$":"message","v":["AIMessage",{"id":"run-","content":"","tool_calls":[],',
    '"invalid_tool_calls":[],"additional_kwargs":{},"response_metadata":{}}]}]',
    '[{"$":"message","v":["HumanMessage",{"id":"","content":"","additional_kwargs":{},',
    '"response_metadata":{}}]}]\n{"v":4,"ts":"2026-01-01T00:00:00.000Z","channel_versions":{',
    '"__start__":1,"messages":1,"jumpTo":"__pregel_tasks":"branch:to:model_request":1,',
    '"branch:to:tools":1,"branch:to:agent":1},"versions_seen":{"__input__":{},',
    '"__start__":{"__start__":1},"model_request":{"branch:to:model_request":',
    '"tools":{"branch:to:tools":1},"agent":{"branch:to:agent":1}},"updated_channels":["messages"]}\n',
    '[["messages",["l",0,0,0,1,0,0,2,0,0,2,0,0]],["__start__",["i",',
    '"{\\"messages\\":[{\\"$\\":\\"message\\",\\"v\\":[\\"HumanMessage\\",{\\"content\\":\\"',
    '\\",\\"additional_kwargs\\":{},\\"response_metadata\\":{}}]}]}"]],',
    '["__pregel_tasks",["i","[]"]],["branch:to:tools",["i","null"]],["branch:to:agent",["i","null"]]]',
  ].join(""),
);
