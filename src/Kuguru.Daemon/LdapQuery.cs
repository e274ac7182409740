using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Net.Sockets;
using System.Text;

namespace Kuguru.Daemon;

/// <summary>
/// One value of one entry of a directory, as an ldap URI names it (RFC 4516): that is how some authorities publish CRLs. Version 3 without a bind, which is
/// anonymous (RFC 4511). Of an answer no more is taken than was asked for: not what it says of its own length is believed, but what has come.
/// </summary>
/// <param name="Entry">The distinguished name.</param>
/// <param name="Attribute">What is asked for.</param>
/// <param name="Filter">What the entry must be like besides: an attribute and its value, or any value.</param>
sealed record LdapQuery(string Entry, string Attribute, (string Attribute, string? Value) Filter)
{
    public const string UriScheme = "ldap";
    const int MessageId = 1, Port = 389;

    /// <summary>What there may be around the value.</summary>
    const int Overhead = 16 * 1024;

    static readonly Asn1Tag SearchRequest = Application(3), SearchResultEntry = Application(4), SearchResultDone = Application(5);
    static readonly Asn1Tag SearchResultReference = Application(19), EqualityMatch = Context(3), Present = Context(7);

    enum Scope { BaseObject }

    enum Aliases { NeverDeref }

    /// <summary>ldap://HOST/ENTRY?ATTRIBUTE?base?(FILTER), of which all after the entry may be left out.</summary>
    public static bool TryRead(Uri uri, [NotNullWhen(true)] out LdapQuery? query, [NotNullWhen(false)] out string? why)
    {
        var parts = (uri.Query is ['?', .. var rest] ? rest : "").Split('?').Select(Uri.UnescapeDataString).ToArray();
        var (attribute, scope, filterText) = (parts[0], parts.ElementAtOrDefault(1) ?? "", parts.ElementAtOrDefault(2) ?? "");
        var filter = FilterOf(filterText);
        why = uri.Host.Length == 0 ? "it names no server"
            : scope is not ("" or "base") ? $"only one entry is looked at, not scope '{scope}'"
            : filter is null ? $"the filter '{filterText}' is more than one attribute and its value"
            : parts.Skip(3).FirstOrDefault(extension => extension.StartsWith('!')) is { } unknown ? $"the extension '{unknown}' is not known"
            : null;
        var entry = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/'));
        query = why is null ? new(entry, attribute is "" ? "certificateRevocationList" : attribute, filter!.Value) : null;
        return query is not null;
    }

    /// <summary>Asks the server that the URI names.</summary>
    /// <param name="uri">With scheme ldap.</param>
    /// <param name="maxLength">Of the value.</param>
    /// <param name="limit">Ends it.</param>
    /// <exception cref="IOException">No such value, a longer one, or no LDAP; a <see cref="SocketException"/> if there is nobody.</exception>
    public static async Task<byte[]> Read(Uri uri, int maxLength, CancellationToken limit)
    {
        if (!TryRead(uri, out var query, out var why))
            throw new IOException(why);
        using var client = new TcpClient();
        await client.ConnectAsync(uri.IdnHost, uri.Port > 0 ? uri.Port : Port, limit);
        return await query.Ask(client.GetStream(), maxLength, limit);
    }

    /// <summary>Asks, and waits for the answer.</summary>
    public async Task<byte[]> Ask(Stream stream, int maxLength, CancellationToken limit)
    {
        await stream.WriteAsync(Write(), limit);
        byte[]? value = null;
        var (buffer, length) = (new byte[Overhead], 0);
        while (true)
        {
            while (IsComplete(buffer.AsSpan(0, length), out var first))
            {
                if (IsLast(buffer.AsMemory(0, first), ref value))
                    return value ?? throw new IOException($"'{Entry}' has no {Attribute}");
                buffer.AsSpan(first, length - first).CopyTo(buffer);
                length -= first;
            }
            if (length == maxLength + Overhead)
                throw new IOException($"an answer of more than {maxLength} octets");
            if (length == buffer.Length)
                Array.Resize(ref buffer, Math.Min(2 * length, maxLength + Overhead));
            var read = await stream.ReadAsync(buffer.AsMemory(length), limit);
            length += read > 0 ? read : throw new IOException("the server ended the connection before its answer");
        }
    }

    /// <summary>The message that asks.</summary>
    public byte[] Write()
    {
        var w = new AsnWriter(AsnEncodingRules.BER);
        using (w.PushSequence())
        {
            w.WriteInteger(MessageId);
            using (w.PushSequence(SearchRequest))
            {
                w.WriteOctetString(Encoding.UTF8.GetBytes(Entry));
                w.WriteEnumeratedValue(Scope.BaseObject);
                w.WriteEnumeratedValue(Aliases.NeverDeref);
                w.WriteInteger(1);
                w.WriteInteger(0);
                w.WriteBoolean(false);
                WriteFilter(w);
                using (w.PushSequence())
                {
                    // Without the option it is asked for in a syntax that has none for transfer (RFC 4523 section 2.5); not every server knows the option.
                    w.WriteOctetString(Encoding.UTF8.GetBytes(Attribute + ";binary"));
                    w.WriteOctetString(Encoding.UTF8.GetBytes(Attribute));
                }
            }
        }
        return w.Encode();
    }

    void WriteFilter(AsnWriter w)
    {
        if (Filter.Value is null)
        {
            w.WriteOctetString(Encoding.UTF8.GetBytes(Filter.Attribute), Present);
            return;
        }
        using (w.PushSequence(EqualityMatch))
        {
            w.WriteOctetString(Encoding.UTF8.GetBytes(Filter.Attribute));
            w.WriteOctetString(Encoding.UTF8.GetBytes(Filter.Value));
        }
    }

    static (string Attribute, string? Value)? FilterOf(string text)
    {
        if (text.Length == 0)
            return ("objectClass", null);
        var parts = (text is ['(', .. var inner, ')'] ? inner : text).Split('=');
        if (parts is not [{ Length: > 0 } attribute, var value] || !attribute.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.'))
            return null;
        return value == "*" ? (attribute, null) : value.Any(c => c is '(' or ')' or '\\' or '*') ? null : (attribute, value);
    }

    /// <summary>A whole message stands at the beginning.</summary>
    static bool IsComplete(ReadOnlySpan<byte> bytes, out int length)
    {
        if (bytes.Length > 0 && bytes[0] != 0x30)
            throw NotLdap();
        return AsnDecoder.TryReadEncodedValue(bytes, AsnEncodingRules.BER, out _, out _, out _, out length);
    }

    /// <summary>Takes the value out of one message; true when it is the last.</summary>
    bool IsLast(ReadOnlyMemory<byte> bytes, ref byte[]? value)
    {
        try
        {
            var message = new AsnReader(bytes, AsnEncodingRules.BER).ReadSequence();
            if (!message.TryReadInt32(out var id) || id != MessageId)
                throw NotLdap();
            var tag = message.PeekTag();
            if (tag.HasSameClassAndValue(SearchResultDone))
                Conclude(message.ReadSequence(SearchResultDone), value is not null);
            else if (tag.HasSameClassAndValue(SearchResultEntry))
                value ??= ValueIn(message.ReadSequence(SearchResultEntry));
            else if (!tag.HasSameClassAndValue(SearchResultReference))
                throw NotLdap();
            return tag.HasSameClassAndValue(SearchResultDone);
        }
        catch (AsnContentException)
        {
            throw NotLdap();
        }
    }

    byte[]? ValueIn(AsnReader entry)
    {
        entry.ReadOctetString();
        var attributes = entry.ReadSequence();
        while (attributes.HasData)
        {
            var attribute = attributes.ReadSequence();
            var name = Encoding.UTF8.GetString(attribute.ReadOctetString()).Split(';')[0];
            var values = attribute.ReadSetOf(skipSortOrderValidation: true);
            if (name.Equals(Attribute, StringComparison.OrdinalIgnoreCase) && values.HasData)
                return values.ReadOctetString();
        }
        return null;
    }

    /// <summary>LDAPResult (RFC 4511 section 4.1.9).</summary>
    static void Conclude(AsnReader result, bool isFound)
    {
        var code = result.ReadEnumeratedBytes().Span is [var number] ? number : byte.MaxValue;
        result.ReadOctetString();
        var said = Encoding.UTF8.GetString(result.ReadOctetString());
        if (code != 0 && !isFound)
            throw new IOException($"LDAP result {code}{(code == 32 ? ", no such entry" : "")}{(said.Length == 0 ? "" : $": {said[..Math.Min(said.Length, 200)]}")}");
    }

    static IOException NotLdap() => new("what the server answers is not LDAP, or not to the question");

    static Asn1Tag Application(int number) => new(TagClass.Application, number, isConstructed: true);

    static Asn1Tag Context(int number) => new(TagClass.ContextSpecific, number);
}
