using System.Text;

namespace Kuguru.Daemon.Settings;

/// <summary>One file's text into a section. The first syntax error ends it.</summary>
sealed class SettingsParser(string text, string file, Complaints complaints, int depth)
{
    /// <summary>Ours: files that include one another in a circle end here.</summary>
    const int MaxIncludes = 10;

    /// <summary>What cannot stand in a name.</summary>
    const string Reserved = "#{}:.,=\"\r\n\t ";

    int _at;
    int _line = 1;

    Origin Here => new(file, _line);

    public static bool ParseFile(string path, RawSection root, Complaints complaints, int depth = 0, Origin? includedAt = null)
    {
        string text;
        try
        {
            // Strictly, as a secret must keep its octets.
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException e)
        {
            complaints.Error(new Origin(path, 1), "", $"is not UTF-8 text at octet {e.Index}: write a secret of other octets as 0x...");
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            complaints.Error(includedAt ?? new Origin(path, 1), "", $"cannot read {path}: {e.Message}");
            return false;
        }
        return Parse(text, path, root, complaints, depth);
    }

    public static bool Parse(string text, string file, RawSection root, Complaints complaints, int depth = 0) =>
        new SettingsParser(text, file, complaints, depth).Statements(root, isTop: true);

    bool Statements(RawSection section, bool isTop)
    {
        while (true)
        {
            SkipBlank();
            if (AtEnd)
                return isTop || Fail(section.At, $"section '{section.Name}' has no closing '}}'");
            if (Take('}'))
                return !isTop || Fail(Here, "'}' closes nothing: there is one too many here or a '{' missing above");
            if (!Statement(section))
                return false;
        }
    }

    // name { ... }      name : ref, ref { ... }      key = value      include pattern
    bool Statement(RawSection section)
    {
        var at = Here;
        var name = Name();
        if (name.Length == 0)
            return Fail(at, $"'{text[_at]}' where a section or key should begin");
        if (name == "include" && !AtEnd && text[_at] is ' ' or '\t' && Peek(skipSpace: true) != '=')
            return Include(section, at);
        SkipBlank();
        if (Take('='))
        {
            if (!Value(out var value))
                return false;
            section.Set(name, value, at);
            return true;
        }
        var references = new List<(string, Origin)>();
        if (Take(':') && !References(references))
            return false;
        if (Take('{'))
        {
            var inner = section.Open(name, at);
            inner.Refer(references);
            return Statements(inner, isTop: false);
        }
        return !AtEnd && text[_at] == '.'
            ? Fail(at, $"'{name}.' has a dot, which a name in a file cannot have: write {name} {{ ... }}")
            : Fail(at, $"'{name}' is neither a key (then '=' follows) nor a section (then '{{' follows)");
    }

    bool References(List<(string, Origin)> references)
    {
        do
        {
            SkipBlank();
            var at = Here;
            var path = Name();
            while (path.Length > 0 && Take('.'))
                path += "." + Name();
            if (path.Length == 0 || path.EndsWith('.'))
                return Fail(at, "the name of a section should follow ':' or ','");
            references.Add((path, at));
            SkipBlank();
        }
        while (Take(','));
        return true;
    }

    /// <summary>Up to the end of the line, a comment or '}'. Words and strings are joined by one space. No word at all clears the value.</summary>
    bool Value(out string? value)
    {
        value = null;
        while (!AtEnd && text[_at] is not ('#' or '}' or '\n'))
        {
            if (text[_at] is ' ' or '\t' or '\r')
            {
                _at++;
                continue;
            }
            string? part;
            if (text[_at] == '"')
            {
                if (!Quoted(out part))
                    return false;
            }
            else
            {
                part = Run("#}\"\r\n\t ");
            }
            value = value is null ? part : $"{value} {part}";
        }
        return true;
    }

    bool Quoted(out string? value)
    {
        var at = Here;
        var result = new StringBuilder();
        value = null;
        for (_at++; !AtEnd; _at++)
        {
            switch (text[_at])
            {
                case '"':
                    _at++;
                    value = result.ToString();
                    return true;
                case '\\' when _at + 1 < text.Length:
                    Escape(result);
                    break;
                case '\r':
                    break;
                default:
                    if (text[_at] == '\n')
                        _line++;
                    result.Append(text[_at]);
                    break;
            }
        }
        return Fail(at, "the string that begins here has no closing '\"'");
    }

    /// <summary>\n \r \t; a backslash at the end of a line joins it with the next; before anything else it is dropped.</summary>
    void Escape(StringBuilder result)
    {
        _at++;
        if (text[_at] == '\r' && Peek(1) == '\n')
            _at++;
        switch (text[_at])
        {
            case 'n':
                result.Append('\n');
                break;
            case 'r':
                result.Append('\r');
                break;
            case 't':
                result.Append('\t');
                break;
            case '\n':
                _line++;
                break;
            default:
                result.Append(text[_at]);
                break;
        }
    }

    bool Include(RawSection section, Origin at)
    {
        if (!Pattern(out var pattern))
            return false;
        if (pattern.Length == 0)
            return Fail(at, "include needs a file name or pattern");
        if (depth == MaxIncludes)
            return Fail(at, $"files include each other more than {MaxIncludes} deep");
        var full = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(file) ?? "", pattern);
        var files = Glob.Match(full);
        if (files.Count == 0 && !Glob.HasWildcard(full))
            complaints.Warning(at, "", $"include: there is no file {full}");
        return files.All(f => ParseFile(f, section, complaints, depth + 1, at));
    }

    /// <summary>A word, with backslashes before what would end it, or a string.</summary>
    bool Pattern(out string pattern)
    {
        var result = new StringBuilder();
        while (!AtEnd && text[_at] is ' ' or '\t')
            _at++;
        while (!AtEnd && text[_at] is not ('#' or '}' or '\n' or '\t' or ' '))
        {
            switch (text[_at])
            {
                case '"':
                    if (!Quoted(out var part))
                    {
                        pattern = "";
                        return false;
                    }
                    result.Append(part);
                    break;
                case '\\' when Peek(1) is '"' or '#' or '}' or ' ':
                    result.Append(text[_at + 1]);
                    _at += 2;
                    break;
                case '\r':
                    _at++;
                    break;
                default:
                    result.Append(text[_at++]);
                    break;
            }
        }
        pattern = result.ToString();
        return true;
    }

    bool AtEnd => _at >= text.Length;

    string Name() => Run(Reserved);

    string Run(string end)
    {
        var start = _at;
        while (!AtEnd && !end.Contains(text[_at]))
            _at++;
        return text[start.._at];
    }

    bool Take(char c)
    {
        if (AtEnd || text[_at] != c)
            return false;
        _at++;
        return true;
    }

    char Peek(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    char Peek(bool skipSpace)
    {
        var at = _at;
        while (skipSpace && at < text.Length && text[at] is ' ' or '\t')
            at++;
        return at < text.Length ? text[at] : '\0';
    }

    /// <summary>Spaces, line ends and comments.</summary>
    void SkipBlank()
    {
        while (!AtEnd)
        {
            if (text[_at] == '#')
                Run("\n");
            else if (text[_at] is not (' ' or '\t' or '\r' or '\n'))
                return;
            else if (text[_at++] == '\n')
                _line++;
        }
    }

    bool Fail(Origin at, string what)
    {
        complaints.Error(at, "", what);
        return false;
    }
}
